"""Finer grids for the same function."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar

from torch import nn

from ascribe.errors import InputError
from ascribe.kan.layer import KANLayer
from ascribe.kan.structure import Network
from ascribe.maths.splines import insert_knots, refine_knots

Net = TypeVar("Net", bound=Network)


def refine(net: Net, grid: int | Sequence[int]) -> Net:
    """A new network with `grid` cells an input (or a number a layer) that computes the same values, to rounding.

    Knots are inserted among the old ones, the widest cells first, so any number that is not smaller will do.
    Raises InputError for fewer cells than there are.
    """
    cells = [int(g) for g in grid] if isinstance(grid, Sequence) else [int(grid)] * net.depth
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
    # Float64 throughout, on knots that the layer's own dtype can hold: what is left is one rounding of a coefficient.
    knots, coef = layer.grid.double(), layer.coef.detach().double()
    added = refine_knots(knots, layer.k, cells).to(layer.grid.dtype).double()
    knots, coef = insert_knots(knots, coef, layer.k, added)
    layer.grid = knots.to(layer.grid.dtype)
    layer.coef = nn.Parameter(coef.to(layer.coef.dtype), requires_grad=layer.coef.requires_grad)
    layer.num = cells
