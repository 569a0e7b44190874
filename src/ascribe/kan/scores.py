r"""How much every node, subnode and edge matters: spreads of activations, handed back from the outputs.

Starting from the identity at the explained nodes, subnode j passes its score on to the inputs i of its edges in
proportion $\mathrm{std}(\varphi_{ij}) / (\mathrm{std}(z_j) + 10^{-4})$; all subnodes of a product inherit its score.
Edges that cancel each other count in full, so scores of inputs may sum to more than the score they explain.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.activations import Activations, deviation
from ascribe.kan.structure import Network
from ascribe.kan.whole import whole


@dataclass(frozen=True)
class Scores:
    """Means over the outputs that move at all; `error` holds bootstrap standard errors when they were asked for."""

    nodes: list[Float[Tensor, " _"]]  # layer 0 (the inputs) to the outputs
    subnodes: list[Float[Tensor, " _"]]  # below the nodes of layer 1 to the outputs
    edges: list[Float[Tensor, "_ _"]]
    error: Scores | None = None


def normalised_spreads(seen: Activations) -> list[Float[Tensor, "_ _"]]:
    """The spread of every edge over the spread of its input (plus 0.1)."""
    return [s / (deviation(x) + 0.1)[:, None] for s, x in zip(seen.spreads, seen.nodes, strict=True)]


def shares(seen: Activations) -> list[Float[Tensor, "_ _"]]:
    """The spread of every edge over the spread of the subnode it leads to (plus 1e-4)."""
    return [s / (deviation(z) + 1e-4) for s, z in zip(seen.spreads, seen.subnodes, strict=True)]


def observe(net: Network, x: Tensor | None = None) -> Activations:
    """The activations on x, or the remembered data.  Raises InputError when there are no rows, or no finite numbers."""
    rows = net.data(x)
    if rows.shape[:-1].numel() == 0:
        raise InputError(f"x has shape {tuple(rows.shape)}, but scores are spreads over rows; pass some rows.")
    seen = net.activations(rows)
    if not bool(seen.output.isfinite().all()):
        raise InputError("the network gives NaN or infinity on this data; drop those rows: x[x.isfinite().all(-1)].")
    return seen


def scores_of(net: Network, seen: Activations) -> Scores:
    """The scores on activations at hand; differentiable where these are."""
    # An output is still when it moves by rounding only: it would divide the scores of the others by one more.
    rounding = 8 * torch.finfo(seen.output.dtype).eps * seen.output.detach().abs().amax(0)
    moves = (deviation(seen.output) > rounding).to(seen.output.dtype)
    explained = torch.diag(moves / moves.sum().clamp(min=1))
    nodes = [explained.sum(0)]
    subnodes: list[Tensor] = []
    edges: list[Tensor] = []
    for l, share in reversed(list(enumerate(shares(seen)))):
        at_subnodes = nodes[0][net.owners(l + 1)]
        passed = at_subnodes * share
        subnodes.insert(0, at_subnodes)
        edges.insert(0, passed)
        nodes.insert(0, passed.sum(1))
    return Scores(nodes, subnodes, edges)


def scores(net: Network, x: Tensor | None = None, bootstrap: int = 0, seed: int = 0) -> Scores:
    """The scores on x (or the remembered data), and their standard errors over `bootstrap` resamplings of its rows.

    Price: one forward pass, and one more a resampling.
    """
    with torch.no_grad():
        rows = net.data(x)
        rows = rows.reshape(-1, rows.shape[-1])
        found = scores_of(net, observe(net, rows))
        if bootstrap < 2:
            return found
        generator = torch.Generator().manual_seed(whole(seed, "seed"))
        draws: list[Scores] = []
        for _ in range(bootstrap):
            chosen = torch.randint(len(rows), (len(rows),), generator=generator).to(rows.device)
            draws.append(scores_of(net, net.activations(rows[chosen])))
        error = Scores(
            [torch.stack(d).std(0) for d in zip(*(s.nodes for s in draws), strict=True)],
            [torch.stack(d).std(0) for d in zip(*(s.subnodes for s in draws), strict=True)],
            [torch.stack(d).std(0) for d in zip(*(s.edges for s in draws), strict=True)],
        )
        return Scores(found.nodes, found.subnodes, found.edges, error)


def attributions_of(net: Network, seen: Activations) -> list[Float[Tensor, "_ inputs"]]:
    """For every layer, from the inputs up: the score of each input with respect to each of its nodes."""
    inputs = seen.nodes[0]
    found = [torch.eye(inputs.shape[1], dtype=inputs.dtype, device=inputs.device)]
    for l, share in enumerate(shares(seen)):
        at_subnodes = share.T @ found[-1]
        owner = torch.tensor(net.owners(l + 1), device=inputs.device)
        found.append(at_subnodes.new_zeros(net.nodes(l + 1), inputs.shape[1]).index_add(0, owner, at_subnodes))
    return found


def attribute(net: Network, layer: int | None = None, node: int | None = None, x: Tensor | None = None) -> Tensor:
    """The scores of the inputs with respect to one node, or to every node (rows) of a layer; the last when not given.

    Raises InputError for a layer or a node that the network does not have.
    """
    l = net.depth if layer is None else layer
    if not 0 <= l <= net.depth:
        raise InputError(f"layer {l} does not exist; the network has the layers 0 (its inputs) to {net.depth}.")
    if node is not None and not 0 <= node < net.nodes(l):
        raise InputError(f"layer {l} has no node {node}; it has {net.nodes(l)} (0 to {net.nodes(l) - 1}).")
    with torch.no_grad():
        found = attributions_of(net, observe(net, x))[l]
    return found if node is None else found[node]


def flow(net: Network, x: Tensor | None = None) -> list[Float[Tensor, "_ inputs"]]:
    """For every layer, the share of every input in every node: rows sum to 1, or to 0 for a node that does not move."""
    with torch.no_grad():
        found = attributions_of(net, observe(net, x))
    return [a / a.sum(1, keepdim=True).clamp(min=torch.finfo(a.dtype).tiny) for a in found]
