r"""Spline spaces: their knots, the fit of coefficients, and the insertion of knots.

A spline of order k on G cells has the knots $t_0 \le \dots \le t_{G+2k}$: the grid proper is $t_k, \dots, t_{k+G}$,
and k knots stand on either side of it. The bases themselves are in `kernels/recursion.py`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def extend_knots(grid: Float[Tensor, "inputs points"], order: int) -> Float[Tensor, "inputs knots"]:
    """The grid with `order` more knots on either side, a mean cell apart.

    >>> extend_knots(torch.tensor([[0.0, 1.0, 4.0]]), 1)
    tensor([[-2.,  0.,  1.,  4.,  6.]])
    """
    if order == 0:
        return grid
    low, high = grid[:, :1], grid[:, -1:]
    steps = torch.arange(1, order + 1, dtype=grid.dtype, device=grid.device) * (high - low) / (grid.shape[1] - 1)
    return torch.cat([low - steps.flip(1), grid, high + steps], 1)


def uniform_knots(
    low: Float[Tensor, " inputs"], high: Float[Tensor, " inputs"], cells: int, order: int
) -> Float[Tensor, "inputs knots"]:
    """Knots of equal cells between `low` and `high`."""
    share = torch.linspace(0, 1, cells + 1, dtype=low.dtype, device=low.device)
    return extend_knots(low[:, None] + share * (high - low)[:, None], order)


def fit_coefficients(
    bases: Float[Tensor, "inputs bases n"],
    target: Float[Tensor, "inputs outputs n"],
    ridge: float = 1e-9,
) -> Float[Tensor, "inputs outputs bases"]:
    r"""Least squares $\min_c \sum_n (B_n c - y_n)^2 + \rho\,|c|^2$, factorised once per input, in float64.

    $\rho$ is `ridge` times the largest diagonal of $B B^\top$: bases that no sample reaches get 0 instead of a failure.
    Price: O(inputs bases^2 (n + bases)).
    """
    exact = bases.double()
    return solve_normal(exact @ exact.mT, exact @ target.double().mT, ridge).mT.to(target.dtype)


def solve_normal(
    gram: Float[Tensor, "inputs bases bases"], moments: Float[Tensor, "inputs bases outputs"], ridge: float = 1e-9
) -> Float[Tensor, "inputs bases outputs"]:
    """The regularised solution of the normal equations of every input; 0 where an input has no data at all."""
    largest = gram.diagonal(dim1=-2, dim2=-1).amax(-1).clamp(min=torch.finfo(gram.dtype).tiny)
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    factor = torch.linalg.cholesky(gram / largest[:, None, None] + ridge * eye)
    return torch.cholesky_solve(moments / largest[:, None, None], factor)


def refine_knots(knots: Float[Tensor, "inputs knots"], order: int, cells: int) -> Float[Tensor, "inputs added"]:
    """The knots to insert for `cells` cells: each goes where it leaves the widest remaining cell, all cells cut evenly.

    >>> refine_knots(torch.tensor([[0.0, 1.0, 3.0]]), 0, 4)
    tensor([[0.5000, 2.0000]])
    """
    grid = knots[:, order : knots.shape[1] - order]
    widths = grid.diff(dim=1)
    cuts = torch.zeros_like(widths, dtype=torch.long)
    for _ in range(cells - widths.shape[1]):
        widest = (widths / (cuts + 1)).argmax(1, keepdim=True)
        cuts.scatter_add_(1, widest, torch.ones_like(widest))
    before = cuts.flatten().cumsum(0) - cuts.flatten()
    cell = torch.arange(cuts.numel(), device=knots.device).repeat_interleave(cuts.flatten())
    number = torch.arange(len(cell), device=knots.device) - before[cell] + 1
    share = number.to(knots.dtype) / (cuts.flatten()[cell] + 1)
    added = grid[:, :-1].flatten()[cell] + share * widths.flatten()[cell]
    return added.view(len(knots), -1)


def insert_knots(
    knots: Float[Tensor, "inputs knots"],
    coefficients: Float[Tensor, "inputs outputs bases"],
    order: int,
    added: Float[Tensor, "inputs added"],
) -> tuple[Float[Tensor, "inputs more_knots"], Float[Tensor, "inputs outputs more_bases"]]:
    r"""The same splines on more knots, to rounding: $c'_m = a_m c_m + (1 - a_m) c_{m-1}$, one knot after the other.

    $a_m = (\hat t - t_m) / (t_{m+k} - t_m)$ clamped to [0, 1]. The knots to add lie inside the grid proper.

    Source: Boehm (1980).
    """
    for point in added.unbind(1):
        count = coefficients.shape[-1]
        starts = knots[:, : count + 1]
        lengths = knots[:, order : order + count + 1] - starts
        passed = point[:, None] - starts
        share = torch.where(lengths > 0, passed / lengths, (passed >= 0).to(knots.dtype)).clamp(0, 1)[:, None]
        before = torch.nn.functional.pad(coefficients, (1, 0))
        after = torch.nn.functional.pad(coefficients, (0, 1))
        coefficients = torch.lerp(before, after, share)
        knots = torch.cat([knots, point[:, None]], 1).sort(1).values
    return knots, coefficients
