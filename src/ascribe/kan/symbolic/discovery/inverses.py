"""Outer functions: y is one of these of something simpler."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import need
from ascribe.kan.symbolic.discovery.columns import one_signed

# Deviations that normal noise hardly ever exceeds.
_BEYOND = 4.0


class Inner(NamedTuple):
    """z = g^-1(y), g for expressions, and |g'(z)|: what an error of z does to y; 0 where y has no z."""

    values: Float[Tensor, " n"]
    outer: Callable[[Any], Any]
    slope: Float[Tensor, " n"]


def inner_values(y: Float[Tensor, " n"], noise: float = 0.0, reciprocals: bool = True) -> Iterator[Inner]:
    """y itself, and what the usual outer functions may have been applied to, where that is finite and no constant.

    Where y has noise of that deviation, it may leave the range of g by as much as normal noise does. Quotients need no
    `reciprocals`.
    """
    for inner in _inverted(y, noise, reciprocals):
        if bool(inner.values.isfinite().all()) and float(inner.values.var()) > 0:
            yield inner


def _inverted(y: Float[Tensor, " n"], noise: float, reciprocals: bool) -> Iterator[Inner]:
    sympy = need("sympy", extra="pykan")
    yield Inner(y, lambda e: e, torch.ones_like(y))
    sign = 1 if float(y.median()) > 0 else -1
    if bool((sign * y > -_BEYOND * noise).all()):
        inside = sign * y > 2 * noise
        # What noise has put near 0 or beyond has no weight, and any value.
        p = (sign * y).where(inside, float(y.abs().amax()))

        def inner(values: Tensor, outer: Callable[[Any], Any], slope: Tensor) -> Inner:
            return Inner(values, outer, slope.where(inside, 0.0))

        away = reciprocals and (noise > 0 or one_signed(y))
        if away:
            yield inner(sign / p, lambda e: 1 / e, p**2)
        yield inner(p**2, lambda e: sign * sympy.sqrt(e), 0.5 / p)
        if away:
            yield inner(p**-2, lambda e: sign / sympy.sqrt(e), 0.5 * p**3)
        if sign > 0:
            yield inner(p.log(), sympy.exp, p)
            yield inner(p.sqrt(), lambda e: e**2, 2 * p.sqrt())
    yield from transcendental(y, noise)


def transcendental(y: Float[Tensor, " n"], noise: float = 0.0) -> Iterator[Inner]:
    """What logarithms and inverse waves may have been applied to."""
    sympy = need("sympy", extra="pykan")
    low, high, beyond = float(y.amin()), float(y.amax()), _BEYOND * noise
    steepest = max(1e-3, noise)
    if high < 30 and high - low < 30:
        yield Inner(y.exp(), sympy.log, (-y).exp())
    if low >= -beyond and high <= math.pi + beyond:
        inside = y.clamp(0.0, math.pi)
        yield Inner(inside.cos(), sympy.acos, 1 / inside.sin().clamp(min=steepest))
    if -math.pi / 2 - beyond <= low and high <= math.pi / 2 + beyond:
        inside = y.clamp(-math.pi / 2, math.pi / 2)
        yield Inner(inside.sin(), sympy.asin, 1 / inside.cos().clamp(min=steepest))
