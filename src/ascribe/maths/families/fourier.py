r"""A Fourier series of period 4 on [-1, 1]: $1, \sin\frac{\pi}{2}t, \cos\frac{\pi}{2}t, \sin\pi t, \cos\pi t, \dots$

The period is twice the range, so that a series need not be periodic on it; every second frequency is a harmonic of the
range itself. The order only adds to the number of functions.

Source: Huybrechs (2010), On the Fourier extension of nonperiodic functions.
"""

from __future__ import annotations

import math
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
    """Price: count / 2 sines and cosines a number."""
    speed = torch.arange(count // 2 + 1, dtype=t.dtype, device=t.device)[:, None] * (math.pi / 2)
    angle = speed * t[:, None]
    sine, cosine = angle.sin(), angle.cos()
    found: list[Tensor] = []
    for _ in range(highest + 1):
        # The sine of frequency 0 is no function; its cosine is the constant.
        found.append(torch.stack([sine, cosine], 2).flatten(1, 2)[:, 1 : count + 1])
        sine, cosine = speed * cosine, -speed * sine
    return found


def formula(t: Any, coefficients: Sequence[float | int], order: int) -> Any:
    """The series itself."""
    sympy = need("sympy", extra="pykan")
    angle = sympy.pi * t / 2
    waves = (sympy.sin((m + 1) // 2 * angle) if m % 2 else sympy.cos(m // 2 * angle) for m in range(len(coefficients)))
    return sympy.Add(*(number(c) * wave for c, wave in zip(coefficients, waves, strict=True)))


FOURIER = Family("fourier", derivatives, formula, nested=True)
