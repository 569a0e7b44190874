"""Outer functions: y is one of these of something simpler."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor

from ascribe.errors import need
from ascribe.kan.symbolic.discovery.columns import one_signed


class Inner(NamedTuple):
    """z = g^-1(y), and g for expressions."""

    values: Float[Tensor, " n"]
    outer: Callable[[Any], Any]


def inner_values(y: Float[Tensor, " n"]) -> Iterator[Inner]:
    """y itself, and what the usual outer functions may have been applied to."""
    sympy = need("sympy", extra="pykan")
    yield Inner(y, lambda e: e)
    sign = 1 if float(y[0]) > 0 else -1
    if one_signed(y):
        yield Inner(1 / y, lambda e: 1 / e)
    if bool((y.sign() == sign).all()):
        yield Inner(y**2, lambda e: sign * sympy.sqrt(e))
        if one_signed(y):
            yield Inner(y**-2, lambda e: sign / sympy.sqrt(e))
        if sign > 0:
            yield Inner(y.log(), sympy.exp)
            yield Inner(y.sqrt(), lambda e: e**2)
    yield from transcendental(y)


def transcendental(y: Float[Tensor, " n"]) -> Iterator[Inner]:
    """What logarithms and inverse waves may have been applied to."""
    sympy = need("sympy", extra="pykan")
    low, high = float(y.amin()), float(y.amax())
    if high < 30 and high - low < 30:
        yield Inner(y.exp(), sympy.log)
    if low >= 0 and high <= math.pi:
        yield Inner(y.cos(), sympy.acos)
    if -math.pi / 2 <= low and high <= math.pi / 2:
        yield Inner(y.sin(), sympy.asin)
