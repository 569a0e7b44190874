r"""Hidden nodes in another order: the same function, drawn with fewer crossings.

The cost of an order is $\sum |x_i - x_j|\,score_{ij}$ over the edges, with the nodes of every layer spread evenly over
the same width: long edges that matter are dear.
"""

from __future__ import annotations

from itertools import combinations
from typing import TypeVar

import numpy as np
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.reshape.select import select_nodes
from ascribe.kan.scores import scores
from ascribe.kan.state.history import Versioned
from ascribe.kan.structure import Network

Net = TypeVar("Net", bound=Versioned)
Order = list[list[int]]  # the nodes of every layer


def swap(kan: Net, l: int, i1: int, i2: int) -> Net:
    """The same function with nodes i1 and i2 of hidden layer l in each other's place; equal to rounding.

    Raises InputError for other layers, nodes that do not exist, or a sum node in the place of a multiplication node.

    >>> from ascribe.kan.network import KAN
    >>> kan = KAN([2, 3, 1])
    >>> bool((kan.swap(1, 0, 2).layers[0].coef[:, 0] == kan.layers[0].coef[:, 2]).all())
    True
    """
    if not 1 <= l < kan.depth:
        raise InputError(f"layer {l} is not hidden; nodes of the layers 1 to {kan.depth - 1} can change places.")
    count, sums = kan.nodes(l), kan.width[l][0]
    if not (0 <= i1 < count and 0 <= i2 < count) or (i1 < sums) != (i2 < sums):
        raise InputError(
            f"nodes {i1} and {i2} of layer {l} cannot change places; pass two of its {sums} sums"
            f" (0 to {sums - 1}) or two of its {count - sums} products ({sums} to {count - 1})."
        )
    order = _order(kan)
    order[l][i1], order[l][i2] = order[l][i2], order[l][i1]
    return kan.followed_by(select_nodes(kan, order), "swap")


def auto_swap(kan: Net, x: Tensor | None = None, l: int | None = None) -> Net:
    """The same function with the hidden nodes (of layer l, or all) in an order whose cost no single swap lowers.

    `connection_cost` is never above the old order's.
    Price: the scores of one forward pass; a cost for every pair of nodes a sweep.
    Raises InputError for a layer that is not hidden.
    """
    if l is not None and not 1 <= l < kan.depth:
        raise InputError(f"layer {l} is not hidden; pass one of 1 to {kan.depth - 1}.")
    edges = _edge_scores(kan, x)
    order = _order(kan)
    better = True
    while better:
        better = False
        for hidden in range(1, kan.depth) if l is None else (l,):
            better = _improve(kan, edges, order, hidden) or better
    return kan.followed_by(select_nodes(kan, order), "auto_swap")


def connection_cost(kan: Network, x: Tensor | None = None) -> float:
    """How long the edges are, weighted by their scores on x (or the remembered data)."""
    edges, order = _edge_scores(kan, x), _order(kan)
    return sum(_cost(kan, edges, order, l) for l in range(kan.depth))


def _order(kan: Network) -> Order:
    return [list(range(kan.nodes(l))) for l in range(kan.depth + 1)]


def _edge_scores(kan: Network, x: Tensor | None) -> list[np.ndarray]:
    return [score.double().cpu().numpy() for score in scores(kan, x).edges]


def _improve(kan: Network, edges: list[np.ndarray], order: Order, l: int) -> bool:
    """Swap nodes of layer l as long as that lowers the cost by more than rounding; whether it did."""
    nodes, sums, changed = order[l], kan.width[l][0], False

    def cost() -> float:
        return _cost(kan, edges, order, l - 1) + _cost(kan, edges, order, l)

    best = cost()
    improving = True
    while improving:
        improving = False
        for a, b in combinations(range(len(nodes)), 2):
            if (nodes[a] < sums) != (nodes[b] < sums):
                continue
            nodes[a], nodes[b] = nodes[b], nodes[a]
            now = cost()
            if now < best - 1e-12 * abs(best):
                best, improving, changed = now, True, True
            else:
                nodes[a], nodes[b] = nodes[b], nodes[a]
    return changed


def _cost(kan: Network, edges: list[np.ndarray], order: Order, l: int) -> float:
    """The cost of the edges above layer l."""
    owners = kan.owners(l + 1)
    subnodes = [s for node in order[l + 1] for s, owner in enumerate(owners) if owner == node]
    distance = np.abs(_places(len(order[l]))[:, None] - _places(len(subnodes)))
    return float((distance * edges[l][order[l]][:, subnodes]).sum())


def _places(count: int) -> np.ndarray:
    return (np.arange(count) + 0.5) / count
