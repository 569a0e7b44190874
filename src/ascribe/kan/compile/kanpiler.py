"""The compiler: from a formula to the KAN that computes it."""

from __future__ import annotations

from typing import Any, SupportsIndex

import torch

from ascribe.kan.compile.build import Ranges, compiled_as
from ascribe.kan.network import KAN


def kanpiler(
    variables: Any,
    expr: Any,
    grid: SupportsIndex = 5,
    k: SupportsIndex = 3,
    ranges: Ranges | None = None,
    dtype: torch.dtype | None = None,
    device: torch.types.Device = "cpu",
) -> KAN:
    r"""A KAN that computes `expr`, a sympy expression in `variables`, or one output for each of several expressions.

    The expression is compiled as a graph: sums of functions become sum nodes, products of any number of factors
    multiplication nodes, a part that stands several times is one node, and identity edges carry values to the layers
    that need them. Its symbolic edges are c f(a x + b) + d with constants rounded once to `dtype`, by default torch's
    default; the values are the formula's to rounding. All splines are masked: `perturb` brings them in. Their grids of
    `grid` cells and order `k` lie on [-1, 1], or over the values that points of the box `ranges`, one (low, high) a
    variable, give; `fit` moves them to the data.

    Sums, products, quotients, real powers, a^b, 2^a (where the base is positive), exp, log, abs, sign, min, max, atan2,
    the trigonometric and hyperbolic functions with their inverses, erf, Heaviside, and a Piecewise whose conditions
    compare one expression with numbers are compiled; anything else, and numbers that are not real, raise InputError
    with the term.

    >>> import sympy
    >>> x, y = sympy.symbols("x y")
    >>> kan = kanpiler((x, y), sympy.exp(sympy.sin(sympy.pi * x) + y**2), dtype=torch.float64)
    >>> kan.width, round(kan(torch.tensor([[0.5, 1.0]], dtype=torch.float64)).item(), 12)
    ([[2, 0], [1, 0], [1, 0]], 7.389056098931)
    """
    return compiled_as(KAN, variables, expr, grid, k, ranges, dtype, device)


expr2kan = sf2kan = kanpiler
