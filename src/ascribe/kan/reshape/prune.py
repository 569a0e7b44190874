"""Networks without what does not matter: new ones, with every setting of the old, which stays whole.

What goes leaves its mean over the data behind, as a bias of the subnode it led to: only what varies is lost.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Sequence
from typing import TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.reshape.select import select_nodes
from ascribe.kan.scores import Scores, scores
from ascribe.kan.structure import Network
from ascribe.maths.kernels.forms import form_for

Net = TypeVar("Net", bound=Network)


def prune(net: Net, node_th: float = 1e-2, edge_th: float = 3e-2, x: Tensor | None = None) -> Net:
    """Without the nodes, and then the edges, that score at or below the thresholds."""
    return prune_edge(prune_node(net, node_th, x=x), edge_th, x)


def prune_node(
    net: Net,
    threshold: float = 1e-2,
    active_neurons_id: Sequence[Sequence[int]] | None = None,
    x: Tensor | None = None,
) -> Net:
    """Without the hidden nodes that score at or below `threshold`, or with the given nodes of every hidden layer only.

    A multiplication node goes with all its subnodes. The nodes of the strongest path from an input to an output stay.
    Raises InputError for node numbers that do not exist, or a layer left empty by them.
    """
    hidden = range(1, net.depth)
    if active_neurons_id is not None:
        kept = [sorted({int(i) for i in nodes}) for nodes in active_neurons_id]
        sizes = [net.nodes(l) for l in hidden]
        if len(kept) != len(sizes) or any(
            not nodes or nodes[0] < 0 or nodes[-1] >= n for nodes, n in zip(kept, sizes, strict=True)
        ):
            raise InputError(
                f"active_neurons_id={active_neurons_id!r} does not fit hidden layers of {sizes} nodes;"
                " pass one non-empty list of node numbers a hidden layer."
            )
    else:
        _require_threshold(threshold)
        found = scores(net, x)
        lifeline = strongest_path(net, found)
        kept = []
        for l in hidden:
            needed = lifeline[l].any(1)
            _say_kept(found.nodes[l][needed], threshold, f"layer {l}")
            kept.append((needed | (found.nodes[l] > threshold)).nonzero()[:, 0].tolist())
    keep = [list(range(net.nodes(0))), *kept, list(range(net.nodes(net.depth)))]
    return _with_nodes(net, keep, x)


def prune_edge(net: Net, threshold: float = 3e-2, x: Tensor | None = None) -> Net:
    """Without the edges that score at or below `threshold`; those of the strongest path stay."""
    _require_threshold(threshold)
    found = scores(net, x)
    lifeline = strongest_path(net, found)
    new = copy.deepcopy(net)
    means = _edge_means(net, net.data(x))
    for l, (layer, score, needed) in enumerate(zip(new.layers, found.edges, lifeline, strict=True)):
        _say_kept(score[needed], threshold, f"the edges above layer {l}")
        goes = ~(needed | (score > threshold))
        _leave_behind(new, l, (means[l] * goes).sum(0))
        layer.mask.masked_fill_(goes, 0)
        layer.symbolic.keep(~goes)
    return new


def prune_input(
    net: Net, threshold: float = 1e-2, active_inputs: Sequence[int] | None = None, x: Tensor | None = None
) -> Net:
    """Without the inputs that score at or below `threshold`, or with the given inputs only.

    The network still takes the columns it took before; `input_id` says which of them it reads.
    Raises InputError for input numbers that do not exist, or none at all.
    """
    if active_inputs is not None:
        kept = sorted({int(i) for i in active_inputs})
        if not kept or kept[0] < 0 or kept[-1] >= net.nodes(0):
            raise InputError(
                f"active_inputs={list(active_inputs)!r} does not fit {net.nodes(0)} inputs;"
                f" pass numbers from 0 to {net.nodes(0) - 1}, one at least."
            )
    else:
        _require_threshold(threshold)
        found = scores(net, x)
        kept = (found.nodes[0] > threshold).nonzero()[:, 0].tolist()
        best = int(found.nodes[0].argmax())
        _say_kept(found.nodes[0][best : best + 1], threshold, "layer 0")
        kept = kept or [best]
    return _with_nodes(net, [kept, *(list(range(net.nodes(l))) for l in range(1, net.depth + 1))], x)


def _require_threshold(threshold: float) -> None:
    if math.isnan(threshold):
        raise InputError("a threshold is NaN, which no score is above; pass a number, as 0.01.")


def strongest_path(net: Network, found: Scores) -> list[Bool[Tensor, "_ _"]]:
    """For every layer, the edges of the path to an output whose weakest edge is strongest: pruning never cuts it.

    A product needs all its factors, so there the path forks.
    """
    strength = torch.full_like(found.nodes[0], float("inf"))
    sources: list[Tensor] = []
    for l, edge in enumerate(found.edges):
        present = torch.where(net.layers[l].present, edge, -1.0)
        at_subnodes, source = torch.minimum(strength[:, None], present).max(0)
        factors = at_subnodes.split([1] * net.width[l + 1][0] + net.arity[l + 1])
        strength = torch.stack([at_node.min() for at_node in factors])
        sources.append(source)
    needed = torch.arange(len(strength), device=strength.device) == strength.argmax()
    path: list[Tensor] = []
    for l in reversed(range(net.depth)):
        reached = needed[net.owners(l + 1)]
        edges = torch.zeros_like(found.edges[l], dtype=torch.bool)
        edges[sources[l][reached], reached.nonzero()[:, 0]] = True
        path.insert(0, edges)
        needed = edges.any(1)
    return path


def _say_kept(scores: Tensor, threshold: float, where: str) -> None:
    """Say that what must stay scores no better than what goes."""
    weakest = float(scores.min())
    if not weakest > threshold:
        warnings.warn(
            f"{where}: scores are down to {weakest:.3g}, and pruning below {threshold:g} would cut the network in two;"
            " the strongest path stays; train with a smaller lamb, or pass a lower threshold.",
            stacklevel=4,
        )


def _edge_means(net: Network, x: Tensor) -> list[Float[Tensor, "_ _"]]:
    """The mean of every edge over the rows of x."""
    means: list[Tensor] = []
    with torch.no_grad():
        for layer, values in zip(net.layers, net.activations(x).nodes, strict=True):
            _, moments = form_for(values, layer.basis).forward(values, layer.basis, layer.weights(), moments=True)
            assert moments is not None
            mean = (layer.weight() * moments.mean.to(values.dtype)[:, None]).sum(-1)
            symbolic = layer.symbolic
            if symbolic:
                mean.index_put_((symbolic.source, symbolic.subnode), symbolic.values(values).mean(0), accumulate=True)
            means.append(mean)
    return means


def _leave_behind(net: Network, l: int, mean: Float[Tensor, " subnodes"]) -> None:
    """Add a constant to the sums of a layer's edges."""
    with torch.no_grad():
        net.subnode_bias[l].addcmul_(net.subnode_scale[l], mean)


def _with_nodes(net: Net, keep: list[list[int]], x: Tensor | None) -> Net:
    """The network with these nodes of every layer only."""
    new = copy.deepcopy(net)
    if x is not None or net.has_data:
        for l, means in enumerate(_edge_means(net, net.data(x))):
            gone = [i for i in range(net.nodes(l)) if i not in set(keep[l])]
            _leave_behind(new, l, means[gone].sum(0))
    return select_nodes(new, keep)
