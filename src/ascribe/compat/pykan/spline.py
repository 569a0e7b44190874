"""kan.spline: B-splines on rows of points, by the native recursion; outside its knots a spline is 0, as there."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.compat.pykan._names import names_of
from ascribe.core.arguments import checked
from ascribe.maths.kernels.recursion import splines, table
from ascribe.maths.splines import extend_knots, fit_coefficients


@checked
def B_batch(  # noqa: N802 - pykan's name
    x: Float[Tensor, "n inputs"],
    grid: Float[Tensor, "inputs knots"],
    k: int = 0,
    extend: bool = True,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "n inputs bases"]:
    """Every basis of order k at x; `extend` has no effect, as in pykan, and x says the device.

    >>> B_batch(torch.rand(100, 2), torch.linspace(-1, 1, 11).expand(2, 11), k=3).shape
    torch.Size([100, 2, 7])
    """
    return splines(x.T.contiguous(), table(grid.contiguous(), k, "zero")).permute(2, 0, 1)


@checked
def coef2curve(
    x_eval: Float[Tensor, "n inputs"],
    grid: Float[Tensor, "inputs knots"],
    coef: Float[Tensor, "inputs outputs bases"],
    k: int,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "n inputs outputs"]:
    """The curves with these coefficients."""
    return torch.einsum("nim,iom->nio", B_batch(x_eval, grid, k), coef)


@checked
def curve2coef(
    x_eval: Float[Tensor, "n inputs"],
    y_eval: Float[Tensor, "n inputs outputs"],
    grid: Float[Tensor, "inputs knots"],
    k: int,
) -> Float[Tensor, "inputs outputs bases"]:
    """The coefficients of the curves nearest to the points; 0 for bases that no point reaches."""
    return fit_coefficients(B_batch(x_eval, grid, k).permute(1, 2, 0), y_eval.permute(1, 2, 0))


@checked
def extend_grid(grid: Float[Tensor, "inputs points"], k_extend: int = 0) -> Float[Tensor, "inputs knots"]:
    """The grid with `k_extend` more knots on either side."""
    return extend_knots(grid, k_extend)


__getattr__ = names_of(__name__)
