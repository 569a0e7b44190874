"""kan.spline: B-splines on rows of points, by the native recursion; outside its knots a spline is 0, as there."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.compat.pykan._names import names_of
from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.maths.kernels.recursion import splines, table
from ascribe.maths.splines import extend_knots, fit_coefficients


@checked
def B_batch(  # noqa: N802 - pykan's name
    x: Float[Tensor, "n inputs"],
    grid: Float[Tensor, "grids knots"],
    k: int = 0,
    extend: bool = True,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "n inputs bases"]:
    """Every basis of order k at x, whose columns have a grid each, or one for all.

    `extend` has no effect, as in pykan, and x says the device.

    >>> B_batch(torch.rand(100, 2), torch.linspace(-1, 1, 11).expand(2, 11), k=3).shape
    torch.Size([100, 2, 7])
    """
    if x.ndim != 2 or grid.ndim != 2 or len(grid) not in (1, x.shape[1]) or not 0 <= k < grid.shape[1] - 1:
        raise InputError(
            f"x has shape {tuple(x.shape)}, grid {tuple(grid.shape)} and k is {k};"
            " pass (rows, inputs), (inputs, knots) or (1, knots), and an order from 0 to knots - 2."
        )
    knots = grid.expand(x.shape[1], -1).contiguous()
    return splines(x.T.contiguous(), table(knots, k, "zero")).permute(2, 0, 1)


@checked
def coef2curve(
    x_eval: Float[Tensor, "n inputs"],
    grid: Float[Tensor, "inputs knots"],
    coef: Float[Tensor, "inputs outputs bases"],
    k: int,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "n inputs outputs"]:
    """The curves with these coefficients."""
    basis = B_batch(x_eval, grid, k)
    if coef.ndim != 3 or (coef.shape[0], coef.shape[2]) != basis.shape[1:]:
        raise InputError(
            f"coef has shape {tuple(coef.shape)}; pass (inputs, outputs, bases), of {tuple(basis.shape[1:])}."
        )
    return torch.einsum("nim,iom->nio", basis, coef)


@checked
def curve2coef(
    x_eval: Float[Tensor, "n inputs"],
    y_eval: Float[Tensor, "n inputs outputs"],
    grid: Float[Tensor, "inputs knots"],
    k: int,
) -> Float[Tensor, "inputs outputs bases"]:
    """The coefficients of the curves nearest to the points; 0 for bases that no point reaches."""
    basis = B_batch(x_eval, grid, k)
    if y_eval.ndim != 3 or y_eval.shape[:2] != x_eval.shape:
        raise InputError(
            f"y_eval has shape {tuple(y_eval.shape)}; pass (rows, inputs, outputs), of {tuple(x_eval.shape)}."
        )
    return fit_coefficients(basis.permute(1, 2, 0), y_eval.permute(1, 2, 0))


@checked
def extend_grid(grid: Float[Tensor, "inputs points"], k_extend: int = 0) -> Float[Tensor, "inputs knots"]:
    """The grid with `k_extend` more knots on either side."""
    if k_extend < 0 or grid.ndim != 2 or grid.shape[1] < 2:
        raise InputError(
            f"grid has shape {tuple(grid.shape)} and k_extend is {k_extend}; pass (inputs, 2 or more), >= 0."
        )
    return extend_knots(grid, k_extend)


__getattr__ = names_of(__name__)
