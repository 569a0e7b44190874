r"""Gaussians $e^{-z^2}$, $z = (t - c_m) / h$, an even distance h apart: as many to a range as it has cells.

As B-splines of the same order do, they stand on cells or knots and beyond both ends by half the order:
$c_m = -1 + h\,(m - \frac{order - 1}{2})$ with $h = 2 / cells$. With $g_d$ the d-th derivative in z,
$g_{d+1} = -2 z\, g_d - 2 d\, g_{d-1}$.

Source: Broomhead & Lowe (1988); as edges: Li (2024), Kolmogorov-Arnold networks are radial basis function networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import need
from ascribe.maths.closed_form import number
from ascribe.maths.families.family import Family


def derivatives(
    t: Float[Tensor, "inputs n"], count: int, order: int, highest: int
) -> list[Float[Tensor, "inputs count n"]]:
    """Price: one exponential a number, and O(highest) products."""
    wide = 2 / (count - order)
    centres = wide * (torch.arange(count, dtype=t.dtype, device=t.device) - (order - 1) / 2) - 1
    z = (t[:, None] - centres[:, None]) / wide
    before, now = torch.zeros_like(z), torch.exp(-z * z)
    found: list[Tensor] = []
    for d in range(highest + 1):
        found.append(now / wide**d)
        before, now = now, -2 * z * now - 2 * d * before
    return found


def formula(t: Any, coefficients: Sequence[float | int], order: int) -> Any:
    """The sum of Gaussians."""
    sympy = need("sympy", extra="pykan")
    z = number((len(coefficients) - order) / 2) * (t + 1) + number((order - 1) / 2)
    return sympy.Add(*(number(c) * sympy.exp(-((z - m) ** 2)) for m, c in enumerate(coefficients)))


RBF = Family("rbf", derivatives, formula)
