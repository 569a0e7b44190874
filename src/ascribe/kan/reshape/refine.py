"""Finer grids for the same function."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import SupportsIndex, TypeVar

from torch import nn

from ascribe.errors import InputError
from ascribe.kan.layer import KANLayer
from ascribe.kan.structure import Network
from ascribe.kan.whole import wholes

Net = TypeVar("Net", bound=Network)


def refine(net: Net, grid: SupportsIndex | Sequence[int]) -> Net:
    """A new network with `grid` cells an input (or a number a layer) that computes the same values, to rounding.

    Knots are inserted among the old ones, the widest cells first, so any number that is not smaller will do.
    Raises InputError for fewer cells than there are.
    """
    cells = wholes(grid, net.depth, "grid")
    if len(cells) != net.depth or any(new < old for new, old in zip(cells, net.grid, strict=True)):
        raise InputError(
            f"grid={grid} cannot refine grids of {net.grid} cells; pass {max(net.grid)} or more"
            " (for fewer cells build a new KAN and fit it)."
        )
    fine = copy.deepcopy(net)
    for layer, number in zip(fine.layers, cells, strict=True):
        _refine_layer(layer, number)
    return fine


def _refine_layer(layer: KANLayer, cells: int) -> None:
    layer.grid, coef = layer.edge.refine(layer.grid, layer.coef.detach(), cells)
    layer.coef = nn.Parameter(coef, requires_grad=layer.coef.requires_grad)
    layer.num = cells
