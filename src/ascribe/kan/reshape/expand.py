"""Networks with more room, and the same function: a layer more, nodes more, and splines where there were none.

All three change the network in place, as their forerunners in pykan do, and make a version of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, SupportsIndex, TypeVar

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from ascribe.errors import InputError
from ascribe.kan.layer import KANLayer
from ascribe.kan.state.history import Versioned
from ascribe.kan.structure import Network
from ascribe.kan.whole import whole, wholes

Net = TypeVar("Net", bound=Versioned)

MODES: Final = ("non-intrusive", "all", "minimal")


def expand_depth(kan: Net) -> Net:
    """Add a layer at the end, in which an identity edge leads from every output to its successor: the same function.

    >>> from ascribe import KAN
    >>> KAN([2, 3, 1]).expand_depth().width
    [[2, 0], [3, 0], [1, 0], [1, 0]]
    """
    kan.keep_version()
    outputs = kan.nodes(kan.depth)
    layer = _like(kan.layers[-1], outputs, outputs, kan.seed + kan.depth)
    for i in range(outputs):
        layer.fix(i, i, "x", [1.0, 0.0, 1.0, 0.0])
    kan.act_fun.append(layer)
    kan.width.append([outputs, 0])
    kan.arity.append([])
    for affine, value in _affines(kan):
        like = affine[-1]
        affine.append(nn.Parameter(like.new_full((outputs,), value), requires_grad=like.requires_grad))
    kan.log_history("expand_depth")
    return kan


def expand_width(
    kan: Net, layer_id: int, n_added_nodes: int, sum_bool: bool = True, mult_arity: SupportsIndex | Sequence[int] = 2
) -> Net:
    """Add nodes to a hidden layer, sums or (sum_bool=False) products, without edges: the same function.

    New sums come before the others of the layer, new products, of `mult_arity` subnodes (one number, or one a node),
    after them. `perturb` gives them edges; `prune` takes away those that stay without use.
    Raises InputError for a layer that is not hidden, or numbers that do not fit.

    >>> from ascribe import KAN
    >>> kan = KAN([2, 3, 1]).expand_width(1, 2).expand_width(1, 2, sum_bool=False, mult_arity=[2, 3])
    >>> kan.width, kan.arity
    ([[2, 0], [5, 2], [1, 0]], [[], [2, 3], []])
    """
    l, added = whole(layer_id, "layer_id"), whole(n_added_nodes, "n_added_nodes")
    if l == 0:
        raise InputError(
            "layer_id=0 are the inputs, which stay as many; make the network with the new ones among them, as in"
            " kanpiler((new, *old), expr)."
        )
    if not 1 <= l < kan.depth:
        raise InputError(
            f"layer_id={layer_id} is no hidden layer; pass one from 1 to {kan.depth - 1}."
            if kan.depth > 1
            else f"layer_id={layer_id}: the network has no hidden layer; call expand_depth() first."
        )
    arity = wholes(mult_arity, added, "mult_arity")
    if added < 1 or (not sum_bool and (len(arity) != added or min(arity) < 1)):
        raise InputError(
            f"n_added_nodes={n_added_nodes} with mult_arity={mult_arity!r} cannot be added;"
            " pass 1 or more, and for products one arity >= 1, or one a node."
        )
    kan.keep_version()
    subnodes = added if sum_bool else sum(arity)
    below, above = kan.layers[l - 1], kan.layers[l]
    seed = kan.seed + kan.depth + l
    outputs = _among(below.out_dim, subnodes, sum_bool)
    kan.act_fun[l - 1] = _widened(below, list(range(below.in_dim)), outputs, seed)
    kan.act_fun[l] = _widened(above, _among(above.in_dim, added, sum_bool), list(range(above.out_dim)), seed + 1)
    if sum_bool:
        kan.width[l][0] += added
    else:
        kan.width[l][1] += added
        kan.arity[l] = [*kan.arity[l], *arity]
    sizes = (subnodes, subnodes, added, added)
    for (affine, value), size in zip(_affines(kan), sizes, strict=True):
        old = affine[l - 1].detach()
        more = old.new_full((size,), value)
        joined = torch.cat([more, old] if sum_bool else [old, more])
        affine[l - 1] = nn.Parameter(joined, requires_grad=affine[l - 1].requires_grad)
    kan.log_history("expand_width")
    return kan


def perturb(kan: Net, mag: float = 1.0, mode: str = "non-intrusive") -> Net:
    """Put splines, with a mask of `mag`, where there is none: onto symbolic edges, or where there is no edge.

    - "non-intrusive": edges that lead to nodes which no output depends on; and all edges to the outputs, with splines
      that are 0 until they are trained. The function stays the same.
    - "all": every edge.
    - "minimal": the edges that there are.
    Splines that are there stay as they are. Symbolic edges stay too, with the spline added to them.
    Raises InputError for another mode, or `mag` that is not positive.

    >>> from ascribe import KAN
    >>> kan = KAN([2, 1]).expand_depth()
    >>> [kan.mode(1, 0, 0), kan.perturb(0.1, mode="minimal").mode(1, 0, 0)]
    ['s', 'ns']
    """
    if mode not in MODES:
        raise InputError(f"mode={mode!r} is not known; pass one of {', '.join(map(repr, MODES))}.")
    if not 0 < mag < float("inf"):
        raise InputError(f"mag={mag} is no size of a perturbation; pass a number above 0, as 0.1.")
    kan.keep_version()
    used = _used(kan)
    with torch.no_grad():
        for l, layer in enumerate(kan.layers):
            free = layer.mask == 0
            if mode == "minimal":
                free &= layer.present
            elif mode == "non-intrusive" and l == kan.depth - 1:
                # Not scale_sp = 0, from which `fit` could not train the coefficients.
                layer.coef[free] = 0
                layer.scale_base[free] = 0
                layer.mask[free] = 1
                continue
            elif mode == "non-intrusive":
                free &= ~used[l + 1][torch.tensor(kan.owners(l + 1), device=free.device)]
            layer.mask[free] = mag
    kan.log_history(f"perturb {mode}")
    return kan


def _used(kan: Network) -> list[Bool[Tensor, " nodes"]]:
    """For every layer, the nodes that an output depends on."""
    found = [torch.ones(kan.nodes(kan.depth), dtype=torch.bool, device=kan.layers[-1].mask.device)]
    for l in reversed(range(kan.depth)):
        owners = torch.tensor(kan.owners(l + 1), device=found[0].device)
        found.insert(0, (kan.layers[l].present & found[0][owners]).any(1))
    return found


def _affines(kan: Network) -> list[tuple[nn.ParameterList, float]]:
    """The affines of subnodes and nodes, and what leaves a value as it is."""
    return [(kan.subnode_scale, 1.0), (kan.subnode_bias, 0.0), (kan.node_scale, 1.0), (kan.node_bias, 0.0)]


def _among(old: int, added: int, first: bool) -> list[int]:
    """Old numbers, and -1 for each new one before or after them."""
    return [-1] * added + list(range(old)) if first else list(range(old)) + [-1] * added


def _like(layer: KANLayer, inputs: int, outputs: int, seed: int) -> KANLayer:
    """A layer with the settings of another, and no edge yet."""
    made = KANLayer(
        inputs,
        outputs,
        num=layer.num,
        k=layer.k,
        noise_scale=0.3,
        base_fun=layer.base_fun,
        grid_eps=layer.grid_eps,
        sp_trainable=layer.scale_sp.requires_grad,
        sb_trainable=layer.scale_base.requires_grad,
        extrapolate=layer.extrapolate,
        edge=layer.family,
        seed=seed,
        device=layer.mask.device,
        dtype=layer.mask.dtype,
    )
    made.mask.zero_()
    return made.train(layer.training)


def _widened(layer: KANLayer, inputs: list[int], outputs: list[int], seed: int) -> KANLayer:
    """The layer with these of its inputs and outputs, -1 for new ones without edges."""
    made = _like(layer, len(inputs), len(outputs), seed)
    rows, columns = (torch.tensor(places, device=layer.mask.device) for places in (inputs, outputs))
    to = (rows >= 0).nonzero(), (columns >= 0).nonzero()[:, 0]
    with torch.no_grad():
        made.grid[rows >= 0] = layer.grid
        for name in ("mask", "coef", "scale_base", "scale_sp"):
            getattr(made, name)[to] = getattr(layer, name)
    made.symbolic = layer.symbolic.select(inputs, outputs)
    return made
