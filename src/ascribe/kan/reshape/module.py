"""Edges taken away by hand: one, those of a node, or those that tie a module to the rest of the network.

Pruning keeps the function as well as it can; this does not try to: an edge that goes is 0, whatever it was.
"""

from __future__ import annotations

import copy
import re
from typing import Literal, TypeVar

import torch
from jaxtyping import Bool
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.state.history import Versioned

Net = TypeVar("Net", bound=Versioned)
_GROUP = re.compile(r"\[\s*-?\d+\s*(,\s*-?\d+\s*)*\]")


def remove_edge(kan: Net, l: int, i: int, j: int) -> Net:
    """The network without edge (l, i, j), spline and symbolic.  Raises InputError for an edge that does not exist."""
    new = copy.deepcopy(kan)
    new.layer_of(l, i, j).remove(i, j)
    return kan.followed_by(new, "remove_edge")


def remove_node(kan: Net, l: int, i: int, mode: Literal["all", "up", "down"] | str = "all") -> Net:
    """The network without the edges of node i of layer l: all, those that lead "up" from it, or "down" to it.

    Raises InputError for a node that does not exist or another mode.
    """
    if mode not in ("all", "up", "down"):
        raise InputError(f"mode={mode!r} is not known; pass 'all', 'up' or 'down'.")
    if not (0 <= l <= kan.depth and 0 <= i < kan.nodes(l)):
        raise InputError(f"there is no node {i} in layer {l} of a network of width {kan.width}.")
    new = copy.deepcopy(kan)
    if mode != "down" and l < kan.depth:
        goes = torch.zeros_like(new.layers[l].mask, dtype=torch.bool)
        goes[i] = True
        _remove(new, l, goes)
    if mode != "up" and l > 0:
        goes = torch.zeros_like(new.layers[l - 1].mask, dtype=torch.bool)
        goes[:, [s for s, owner in enumerate(kan.owners(l)) if owner == i]] = True
        _remove(new, l - 1, goes)
    return kan.followed_by(new, "remove_node")


def module(kan: Net, start_layer: int, chain: str) -> Net:
    """The network with a module cut loose: no edge joins its nodes to others.

    `chain` names it from `start_layer` up, as "[0,1]->[0]->[0]->[2]": nodes, the subnodes that their edges lead to,
    nodes of that layer, and so on; negative numbers count from the end.
    Raises InputError for text that reads otherwise, and for nodes or layers that do not exist.

    >>> from ascribe.kan.network import KAN
    >>> KAN([2, 2, 1]).module(0, "[0]->[1]").layers[0].mask.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    parts = [part.strip() for part in chain.split("->")]
    if len(parts) % 2 or not all(_GROUP.fullmatch(part) for part in parts):
        raise InputError(f"chain={chain!r} does not read as pairs of nodes and subnodes; write '[0,1]->[0]->[0]->[2]'.")
    groups = [[int(i) for i in part[1:-1].split(",")] for part in parts]
    if not (start_layer >= 0 and start_layer + len(groups) // 2 <= kan.depth):
        raise InputError(
            f"{len(groups) // 2} layers of edges from layer {start_layer} do not fit a network of {kan.depth}."
        )
    new = copy.deepcopy(kan)
    for l, (sources, subnodes) in enumerate(zip(groups[::2], groups[1::2], strict=True), start=start_layer):
        inside = _members(sources, kan.nodes(l), f"nodes in layer {l}")
        outside = _members(subnodes, kan.subnodes(l + 1), f"subnodes below layer {l + 1}")
        _remove(new, l, (inside[:, None] != outside).to(new.input_id.device))
    return kan.followed_by(new, "module")


def _members(numbers: list[int], count: int, what: str) -> Bool[Tensor, " count"]:
    if any(not -count <= n < count for n in numbers):
        raise InputError(f"{numbers} are not all among the {count} {what}; pass numbers from 0 to {count - 1}.")
    found = torch.zeros(count, dtype=torch.bool)
    found[numbers] = True
    return found


def _remove(kan: Versioned, l: int, goes: Bool[Tensor, "inputs subnodes"]) -> None:
    layer = kan.layers[l]
    layer.mask.masked_fill_(goes, 0)
    layer.symbolic.keep(~goes)
