"""Grids that follow the data: where knots go, and what may change when they move."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.layer import KANLayer
from ascribe.kan.structure import Network
from ascribe.maths.kernels.edge_sum import edge_sum
from ascribe.maths.kernels.forms import form_for
from ascribe.maths.splines import extend_knots, solve_normal

# Sorted samples that the refit of an input looks at: enough for any grid, and free of the size of the data.
_SAMPLES = 4096
# Weight, beside the data's, of an even sampling of the new grid: it holds an edge in cells that no sample reaches.
_EVEN = 0.01
# A hidden node that dies out has a range near 0. On a grid as narrow as that its edges would be steeper than float32
# can follow, once the node has moved on by a trifle; so its grid keeps this share of the widest in its layer.
_NARROWEST = 0.01


@dataclass(frozen=True)
class GridUpdate:
    """What `update_grid` did, layer by layer."""

    moved: tuple[Float[Tensor, " _"], ...]  # share of the way from the old knots to the data's
    change: tuple[Float[Tensor, " _"], ...]  # root mean square change of an input's edges over their spread
    degenerate: tuple[tuple[int, int], ...]  # (layer, input) whose data is a single value: its grid stays

    def __repr__(self) -> str:
        still = ", ".join(f"input {i} of layer {l}" for l, i in self.degenerate)
        largest = max(float(c.max()) for c in self.change)
        return f"GridUpdate(largest change {largest:.2g}" + (f"; constant, so left alone: {still})" if still else ")")


def data_grid(x: Float[Tensor, "n inputs"], cells: int, eps: float) -> Float[Tensor, "inputs points"]:
    """Quantiles of the data, a share `eps` of them replaced by equal cells; all equal where values are few.

    `eps` is taken as at least 0.01, so that ties give narrow cells and never empty ones.
    """
    return _grid_of_sorted(_sorted(x), cells, eps)


def _sorted(x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n inputs"]:
    """Every column in order."""
    rows = x.detach().T.contiguous()
    # numpy sorts in vector registers, torch does not.
    return torch.from_numpy(np.sort(rows.numpy(), 1)).T if x.device.type == "cpu" else rows.sort(1).values.T


def _grid_of_sorted(ordered: Float[Tensor, "n inputs"], cells: int, eps: float) -> Float[Tensor, "inputs points"]:
    picks = torch.arange(cells + 1, device=ordered.device) * len(ordered) // cells
    quantiles = ordered[picks.clamp(max=len(ordered) - 1)].T
    share = torch.linspace(0, 1, cells + 1, dtype=ordered.dtype, device=ordered.device)
    even = ordered[0][:, None] + share * (ordered[-1] - ordered[0])[:, None]
    few = (ordered[1:] > ordered[:-1]).sum(0) < cells
    mix = torch.where(few, 1.0, max(eps, 0.01)).to(ordered.dtype)[:, None]
    return mix * even + (1 - mix) * quantiles


def update_grid(net: Network, x: Float[Tensor, "*batch columns"], tolerance: float = 0.05) -> GridUpdate:
    """Move the knots of every layer to the data, first layer first, each fed by the ones below as they are by then.

    The coefficients are fitted anew. An input whose edges would change by more than `tolerance` of their spread (root
    mean square over the data) goes only a half, a quarter, ... a sixteenth of the way, or stays; `float("inf")` lets
    every input go all the way. No hidden node gets a grid narrower than a hundredth of the widest in its layer.

    Raises InputError for fewer than two rows or values that are not finite.
    """
    with torch.no_grad():
        values = net.rows(x)
        moved: list[Tensor] = []
        change: list[Tensor] = []
        degenerate: list[tuple[int, int]] = []
        for l, layer in enumerate(net.layers):
            steps, changes = update_layer(layer, values, tolerance, hidden=l > 0)
            moved.append(steps)
            change.append(changes)
            degenerate += [(l, i) for i in is_constant(values).nonzero()[:, 0].tolist()]
            # Also where the data is still outside of grids that may not be left.
            sums = edge_sum(values, layer.basis, layer.weights())[0]
            values = net.to_nodes(l, layer.with_symbolic(values, sums, None)[0])
    net.see(x)
    return GridUpdate(tuple(moved), tuple(change), tuple(degenerate))


def is_constant(x: Float[Tensor, "n inputs"]) -> Bool[Tensor, " inputs"]:
    """Columns whose values differ by rounding at most."""
    low, high = x.amin(0), x.amax(0)
    return high - low <= 8 * torch.finfo(x.dtype).eps * torch.maximum(low.abs(), high.abs())


def _widened(grid: Float[Tensor, "inputs points"]) -> Float[Tensor, "inputs points"]:
    """The narrowest grids stretched about their middles."""
    low, high = grid[:, :1], grid[:, -1:]
    least = _NARROWEST * (high - low).amax()
    middle = (low + high) / 2
    stretched = middle + (grid - middle) * (least / (high - low).clamp(min=torch.finfo(grid.dtype).tiny))
    return torch.where(high - low < least, stretched, grid)


def update_layer(
    layer: KANLayer, x: Float[Tensor, "n inputs"], tolerance: float = 0.05, hidden: bool = False
) -> tuple[Float[Tensor, " inputs"], Float[Tensor, " inputs"]]:
    """The same for one layer, given its own inputs: the share of the way each grid has gone, and each one's change.

    `hidden`: no grid gets narrower than a hundredth of the widest.
    Raises InputError for fewer than two rows or values that are not finite.
    """
    if len(x) < 2 or not bool(x.isfinite().all()):
        raise InputError(
            f"x has shape {tuple(x.shape)} or holds NaN, but a grid needs two rows or more of finite numbers;"
            " pass x[x.isfinite().all(-1)]."
        )
    constant, ordered = is_constant(x), _sorted(x)
    points = _grid_of_sorted(ordered, layer.num, layer.grid_eps)
    target = extend_knots(_widened(points) if hidden else points, layer.k)
    there = (target == layer.grid).all(1) & ~constant
    moved = there.double()
    change = torch.zeros_like(moved)
    waiting = ~(there | constant)
    if not bool(waiting.any()):
        return moved, change
    spread = edge_sum(x, layer.basis, layer.weights(), True)[1]
    assert spread is not None
    size = spread.double().square().sum(1).clamp(min=torch.finfo(torch.float64).tiny)
    refit = _Refit(layer, ordered[:: -(-len(x) // _SAMPLES)])
    grid, coef = layer.grid.clone(), layer.coef.detach().clone()
    for step in (1.0, 0.5, 0.25, 0.125, 0.0625):
        knots = torch.lerp(layer.grid, target, step)
        fitted, error = refit(knots)
        relative = (error / size).sqrt()
        taken = waiting & ((relative <= tolerance) | (error == 0))
        grid[taken], coef[taken] = knots[taken], fitted[taken]
        moved[taken], change[taken] = step, relative[taken]
        waiting = waiting & ~taken
        if not bool(waiting.any()):
            break
    layer.grid.copy_(grid)
    layer.coef.copy_(coef)
    return moved, change


@final
class _Refit:
    """Coefficients on other knots, nearest to a layer's splines on its data and, with little weight, between them."""

    def __init__(self, layer: KANLayer, samples: Float[Tensor, "samples inputs"]) -> None:
        self._layer = layer
        self._samples = samples.double()
        self._coef = layer.coef.detach().double()
        self._scale = (layer.scale_sp * layer.mask).double().square()
        self._old = self._bases(self._samples, layer.grid)
        self._gram = self._old @ self._old.mT

    def __call__(self, knots: Float[Tensor, "inputs knots"]) -> tuple[Tensor, Float[Tensor, " inputs"]]:
        """The coefficients, and the mean square change of every input's edges over the data, summed over outputs."""
        layer, count = self._layer, len(self._samples)
        cells = 4 * layer.num * (layer.k + 1)
        low, high = knots[:, layer.k], knots[:, layer.k + layer.num]
        share = (torch.arange(cells, dtype=torch.float64, device=knots.device) + 0.5) / cells
        even = torch.lerp(low.double(), high.double(), share[:, None])
        new, between = self._bases(self._samples, knots), self._bases(even, knots)
        gram, cross = new @ new.mT, new @ self._old.mT
        weight = _EVEN * count / cells
        fitted = solve_normal(
            torch.baddbmm(gram, between, between.mT, alpha=weight),
            torch.baddbmm(cross, between, self._bases(even, layer.grid).mT, alpha=weight) @ self._coef.mT,
            1e-10,
        ).mT.to(layer.coef.dtype)
        exact = fitted.double()
        square = (exact @ gram - 2 * self._coef @ cross.mT) * exact + (self._coef @ self._gram) * self._coef
        return fitted, (square.sum(-1) * self._scale).sum(1).clamp(min=0) / count

    def _bases(self, points: Float[Tensor, "n inputs"], knots: Tensor) -> Float[Tensor, "inputs bases n"]:
        basis = replace(self._layer.basis, knots=knots.double())
        return form_for(points, basis).design(points, basis)[:, 1:]


def out_of_range(net: Network, x: Tensor | None = None) -> list[Float[Tensor, " _"]]:
    """For every layer of edges, the share of rows in which each of its inputs lies outside its grid (or is NaN).

    An input without splines has no grid to leave.
    """
    with torch.no_grad():
        seen = net.activations(net.data(x))
        shares: list[Tensor] = []
        for layer, values in zip(net.layers, seen.nodes, strict=True):
            low, high = layer.range
            inside = ((values >= low) & (values <= high)) | ~(layer.mask != 0).any(1)
            shares.append((~inside).to(values.dtype).mean(0) if len(values) else values.new_zeros(values.shape[1]))
    return shares
