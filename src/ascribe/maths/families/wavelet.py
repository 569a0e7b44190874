r"""Mexican hats $\psi(z) = (1 - z^2)\, e^{-z^2/2}$ on dyadic scales, above lines: 1, t, then 1, 2, 4, ... hats.

The hats of level j stand $2^{1-j}$ apart, one and a half of their widths $a_j = \frac43 2^{-j}$. A hat is blind to
straight lines (its first two moments vanish), so these come first. With $g_d$ the d-th derivative of $e^{-z^2/2}$,
$\psi = -g_2$ and $g_{d+1} = -z\, g_d - d\, g_{d-1}$. The order only adds to the number of functions.

Source: Daubechies (1992), Ten Lectures on Wavelets, 3.3.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import need
from ascribe.maths.closed_form import number, polynomial
from ascribe.maths.families.family import Family

_WIDTH = 4 / 3


def derivatives(
    t: Float[Tensor, "inputs n"], count: int, order: int, highest: int
) -> list[Float[Tensor, "inputs count n"]]:
    """Price: one exponential a number, and O(highest) products."""
    nothing = t * 0
    lines = [torch.stack([nothing + 1, t], 1), torch.stack([nothing, nothing + 1], 1)]
    lines += [torch.stack([nothing, nothing], 1)] * (highest - 1)
    hats = torch.arange(1, max(2, count) - 1, dtype=t.dtype, device=t.device)[:, None]
    if not len(hats):
        return [line[:, :count] for line in lines[: highest + 1]]
    # Hat number h of all, from 1, is the (h - 2^j)-th of level j = floor(log2 h).
    scale = torch.exp2(hats.log2().floor())
    centres = (2 * (hats - scale) + 1) / scale - 1
    z = (t[:, None] - centres) * (scale / _WIDTH)
    before, now = torch.zeros_like(z), torch.exp(-z * z / 2)
    found: list[Tensor] = []
    for d in range(highest + 3):
        if d >= 2:
            found.append(torch.cat([lines[d - 2], -now * (scale / _WIDTH) ** (d - 2)], 1))
        before, now = now, -z * now - d * before
    return found


def formula(t: Any, coefficients: Sequence[float | int], order: int) -> Any:
    """A line and the sum of hats."""
    sympy = need("sympy", extra="pykan")
    total = polynomial(t, coefficients[:2])
    for hat, c in enumerate(coefficients[2:], start=1):
        scale = 2 ** math.floor(math.log2(hat))
        z = number(scale / _WIDTH) * t + number((scale - 2 * (hat - scale) - 1) / _WIDTH)
        total += number(c) * (1 - z**2) * sympy.exp(-(z**2) / 2)
    return total


WAVELET = Family("wavelet", derivatives, formula, nested=True)
