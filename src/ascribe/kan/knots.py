"""Where the knots of a layer go, and the coefficients that keep its functions when they move."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.edge_sum import edge_sum
from ascribe.maths.kernels.forms import form_for
from ascribe.maths.kernels.weights import Weights
from ascribe.maths.splines import extend_knots, solve_normal

# Sorted samples that the refit of an input looks at: enough for any grid, and free of the size of the data.
_SAMPLES = 4096
# Weight, beside the data's, of an even sampling of the new grid: it holds an edge in cells that no sample reaches.
_EVEN = 0.01
# A hidden node that dies out has a range near 0. On a grid as narrow as that its edges would be steeper than float32
# can follow, once the node has moved on by a trifle; so its grid keeps this share of the widest in its layer.
_NARROWEST = 0.01


class Moved(NamedTuple):
    """New knots and coefficients, how far every input's have gone (0 to 1), and what their edges changed by."""

    knots: Float[Tensor, "inputs knots"]
    coef: Float[Tensor, "inputs outputs bases"]
    share: Float[Tensor, " inputs"]
    change: Float[Tensor, " inputs"]  # root mean square over the data, in shares of the edges' spread


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


def moved(
    x: Float[Tensor, "n inputs"], basis: Basis, weights: Weights, eps: float, tolerance: float, hidden: bool
) -> Moved:
    """The knots moved to the data, input by input, as far as `tolerance` lets them: all the way, a half, ... or not.

    `hidden`: no grid gets narrower than a hundredth of the widest. An input with a single value stays.
    Raises InputError for fewer than two rows or values that are not finite.
    """
    if len(x) < 2 or not bool(x.isfinite().all()):
        raise InputError(
            f"x has shape {tuple(x.shape)} or holds NaN, but a grid needs two rows or more of finite numbers;"
            " pass x[x.isfinite().all(-1)]."
        )
    constant, ordered = is_constant(x), _sorted(x)
    points = _grid_of_sorted(ordered, basis.bases - basis.order, eps)
    target = extend_knots(_widened(points) if hidden else points, basis.order)
    there = (target == basis.knots).all(1) & ~constant
    share = there.double()
    change = torch.zeros_like(share)
    waiting = ~(there | constant)
    grid, coef = basis.knots.clone(), weights.coef.detach().clone()
    if not bool(waiting.any()):
        return Moved(grid, coef, share, change)
    spread = edge_sum(x, basis, weights, True)[1]
    assert spread is not None
    size = spread.double().square().sum(1).clamp(min=torch.finfo(torch.float64).tiny)
    refit = _Refit(basis, weights, ordered[:: -(-len(x) // _SAMPLES)])
    for step in (1.0, 0.5, 0.25, 0.125, 0.0625):
        knots = torch.lerp(basis.knots, target, step)
        fitted, error = refit(knots)
        relative = (error / size).sqrt()
        taken = waiting & ((relative <= tolerance) | (error == 0))
        grid[taken], coef[taken] = knots[taken], fitted[taken]
        share[taken], change[taken] = step, relative[taken]
        waiting = waiting & ~taken
        if not bool(waiting.any()):
            break
    return Moved(grid, coef, share, change)


@final
class _Refit:
    """Coefficients on other knots, nearest to a layer's splines on its data and, with little weight, between them."""

    def __init__(self, basis: Basis, weights: Weights, samples: Float[Tensor, "samples inputs"]) -> None:
        self._basis = basis
        self._samples = samples.double()
        self._dtype, self._coef = weights.coef.dtype, weights.coef.detach().double()
        scale = torch.ones_like(weights.base) if weights.scale is None else weights.scale
        self._scale = (scale if weights.mask is None else scale * weights.mask).double().square()
        self._old = self._bases(self._samples, basis.knots)
        self._gram = self._old @ self._old.mT

    def __call__(self, knots: Float[Tensor, "inputs knots"]) -> tuple[Tensor, Float[Tensor, " inputs"]]:
        """The coefficients, and the mean square change of every input's edges over the data, summed over outputs."""
        basis, count = self._basis, len(self._samples)
        cells = 4 * (basis.bases - basis.order) * (basis.order + 1)
        low, high = replace(basis, knots=knots).range
        share = (torch.arange(cells, dtype=torch.float64, device=knots.device) + 0.5) / cells
        even = torch.lerp(low.double(), high.double(), share[:, None])
        new, between = self._bases(self._samples, knots), self._bases(even, knots)
        gram, cross = new @ new.mT, new @ self._old.mT
        weight = _EVEN * count / cells
        fitted = solve_normal(
            torch.baddbmm(gram, between, between.mT, alpha=weight),
            torch.baddbmm(cross, between, self._bases(even, basis.knots).mT, alpha=weight) @ self._coef.mT,
            1e-10,
        ).mT.to(self._dtype)
        exact = fitted.double()
        square = (exact @ gram - 2 * self._coef @ cross.mT) * exact + (self._coef @ self._gram) * self._coef
        return fitted, (square.sum(-1) * self._scale).sum(1).clamp(min=0) / count

    def _bases(self, points: Float[Tensor, "n inputs"], knots: Tensor) -> Float[Tensor, "inputs bases n"]:
        basis = replace(self._basis, knots=knots.double())
        return form_for(points, basis).design(points, basis)[:, 1:]
