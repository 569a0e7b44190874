"""The curves of some edges of a layer over the range of their data, as plain numbers; broken where a function is."""

from __future__ import annotations

import copy

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.arrays import as_array
from ascribe.kan.layer import KANLayer
from ascribe.kan.symbolic.library import function_named

# Coefficients of a layer that are taken in double precision: what an edge that hardly matters does is no rounding then.
_EXACT = 2_000_000
# Values of edges that are held together: an edge nobody asked for is found beside the others.
_HELD = 8_000_000
# Values beyond the middle 90 percent that are still shown beside a pole: as many times their range.
_BEYOND = 1.0

Curve = tuple[np.ndarray, np.ndarray]


def curves_of(
    layer: KANLayer,
    values: Float[Tensor, "n inputs"],
    sources: Int[Tensor, " edges"],
    subnodes: Int[Tensor, " edges"],
    points: int = 60,
) -> list[Curve]:
    """x and y of every edge from `sources` to `subnodes`, at points spread evenly from its least to its largest input.

    Between two points where a function is not smooth (a pole, a step) stands a NaN; a curve with such a break, or with
    values that are no numbers, is NaN also where it runs off towards infinity. Price: every edge of the layer at every
    point, in pieces.
    """
    if layer.coef.numel() <= _EXACT:
        layer, values = copy.deepcopy(layer).to("cpu", torch.float64), values.to("cpu", torch.float64)
        sources, subnodes = sources.cpu(), subnodes.cpu()
    at = torch.linspace(0, 1, points, dtype=values.dtype, device=values.device)[:, None]
    low, high = values.amin(0), values.amax(0)
    x = low + at * (high - low)
    parts = x.split(max(1, _HELD // (layer.in_dim * layer.out_dim)))
    y = torch.cat([layer.curves(part)[:, sources, subnodes] for part in parts])
    functions = places(layer)
    edges = zip(sources.tolist(), subnodes.tolist(), x[:, sources].T, y.T, strict=True)
    return [_curve(layer, functions.get((i, j)), grid, curve) for i, j, grid, curve in edges]


def places(layer: KANLayer) -> dict[tuple[int, int], int]:
    """The number of the symbolic edge at (source, subnode)."""
    edges = layer.symbolic
    if not edges:
        return {}
    return {place: m for m, place in enumerate(zip(edges.source.tolist(), edges.subnode.tolist(), strict=True))}


def _curve(layer: KANLayer, symbolic: int | None, x: Tensor, y: Tensor) -> Curve:
    grid, curve = as_array(x), as_array(y)
    cut = np.array([], dtype=int)
    if symbolic is not None and layer.symbolic.affine is not None:
        a, b = layer.symbolic.affine[symbolic, :2]
        u = a * x + b
        ends = torch.minimum(u[:-1], u[1:]), torch.maximum(u[:-1], u[1:])
        smooth = function_named(layer.symbolic.names[symbolic]).domain(*ends)
        # one value has no cells: all its points are one
        cut = (~smooth & (ends[0] < ends[1])).cpu().numpy().nonzero()[0]
    if len(cut) or not np.isfinite(curve).all():
        curve = _without_poles(curve)
        grid = np.insert(grid, cut + 1, (grid[cut] + grid[cut + 1]) / 2)
        curve = np.insert(curve, cut + 1, np.nan)
    return grid, curve


def _without_poles(y: np.ndarray) -> np.ndarray:
    finite = y[np.isfinite(y)]
    if not len(finite):
        return np.full_like(y, np.nan)
    low, high = np.quantile(finite.astype(np.float64), [0.05, 0.95])
    reach = _BEYOND * (high - low)
    return np.where((y >= low - reach) & (y <= high + reach), y, np.nan)
