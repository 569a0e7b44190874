"""Functions of one variable at its data, and their products: what formulas are chosen from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import need


@dataclass(frozen=True)
class Column:
    """A function of the variables: its values, its expression, and what it costs in a choice."""

    values: Float[Tensor, " n"]
    expression: Any
    cost: int

    def __mul__(self, other: Column) -> Column:
        return Column(self.values * other.values, self.expression * other.expression, self.cost + other.cost)


def one(like: Tensor) -> Column:
    """The constant."""
    return Column(torch.ones_like(like), need("sympy", extra="pykan").Integer(1), 0)


def one_signed(values: Tensor) -> bool:
    """Whether all values lie on one side of 0, and none so near to it that 1/x would be all there is to see."""
    return float(values.abs().amin()) > 1e-3 * float(values.abs().amax()) and bool(
        (values.sign() == values.sign()[0]).all()
    )


def library_of(values: Float[Tensor, " n"], symbol: Any) -> list[Column]:
    """The constant, powers, and functions of one variable that are finite on its data."""
    sympy = need("sympy", extra="pykan")
    half = sympy.Rational(1, 2)
    found = [one(values), *powers(values, symbol, 3)]
    found += [
        Column(values.sin(), sympy.sin(symbol), 2),
        Column(values.cos(), sympy.cos(symbol), 2),
        Column(values.sin() ** 2, sympy.sin(symbol) ** 2, 3),
        Column(values.cos() ** 2, sympy.cos(symbol) ** 2, 3),
        Column(values.exp(), sympy.exp(symbol), 3),
        Column((-values).exp(), sympy.exp(-symbol), 3),
    ]
    if one_signed(values):
        found += [Column(1 / values, 1 / symbol, 2), Column(values**-2, symbol**-2, 3)]
        found += [Column((1 / values).exp(), sympy.exp(1 / symbol), 4)]
    if bool((values > 0).all()):
        found += [
            Column(values.sqrt(), symbol**half, 2),
            Column(values.rsqrt(), symbol**-half, 3),
            Column(values.log(), sympy.log(symbol), 3),
        ]
    return [column for column in found if bool(column.values.isfinite().all())]


def powers(values: Float[Tensor, " n"], symbol: Any, highest: int) -> list[Column]:
    """The first whole powers, each as dear as it is high."""
    return [Column(values**p, symbol**p, p) for p in range(1, highest + 1)]


def waves(values: Float[Tensor, " n"], symbol: Any) -> list[Column]:
    """Sine and cosine, and the square of the latter (that of the former is 1 less it)."""
    sympy = need("sympy", extra="pykan")
    sine, cosine = Column(values.sin(), sympy.sin(symbol), 1), Column(values.cos(), sympy.cos(symbol), 1)
    return [cosine, sine, cosine * cosine, cosine * sine]


def exponential(values: Float[Tensor, " n"], symbol: Any) -> Column:
    """e to the variable."""
    return Column(values.exp(), need("sympy", extra="pykan").exp(symbol), 1)


def roots(values: Float[Tensor, " n"], symbol: Any) -> list[Column]:
    """The first powers of the square root."""
    half = need("sympy", extra="pykan").Rational(1, 2)
    return [Column(values ** (p / 2), symbol ** (p * half), p) for p in range(1, 5)]


def products(families: Sequence[Sequence[Column]], limit: int) -> list[Column]:
    """The cheapest products of one column of every family, cheapest first."""
    chosen = itertools.islice(_cheapest(families), limit)
    return [math.prod(factors[1:], start=factors[0]) for factors in chosen]


def _cheapest(families: Sequence[Sequence[Column]]) -> Iterator[tuple[Column, ...]]:
    every = itertools.product(*families)
    return iter(sorted(every, key=lambda factors: sum(factor.cost for factor in factors)))
