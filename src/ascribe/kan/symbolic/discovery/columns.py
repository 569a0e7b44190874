"""Functions of one variable at its data, and their products: what formulas are chosen from."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import need


class Column(NamedTuple):
    """A function of the variables: its values, the factors of its expression, and what it costs in a choice."""

    values: Tensor
    factors: tuple[Any, ...]
    cost: int

    @property
    def expression(self) -> Any:
        """The product of the factors; made when it is asked for, as few columns are chosen."""
        return need("sympy", extra="pykan").Mul(*self.factors)


def one(like: Tensor) -> Column:
    """The constant."""
    return Column(torch.ones_like(like), (), 0)


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
        Column(values.sin(), (sympy.sin(symbol),), 2),
        Column(values.cos(), (sympy.cos(symbol),), 2),
        Column(values.sin() ** 2, (sympy.sin(symbol) ** 2,), 3),
        Column(values.cos() ** 2, (sympy.cos(symbol) ** 2,), 3),
        Column(values.exp(), (sympy.exp(symbol),), 3),
        Column((-values).exp(), (sympy.exp(-symbol),), 3),
    ]
    if one_signed(values):
        found += [Column(1 / values, (1 / symbol,), 2), Column(values**-2, (symbol**-2,), 3)]
        found += [Column((1 / values).exp(), (sympy.exp(1 / symbol),), 4)]
    if bool((values > 0).all()):
        found += [
            Column(values.sqrt(), (symbol**half,), 2),
            Column(values.rsqrt(), (symbol**-half,), 3),
            Column(values.log(), (sympy.log(symbol),), 3),
        ]
    return [column for column in found if bool(column.values.isfinite().all())]


def powers(values: Float[Tensor, " n"], symbol: Any, highest: int) -> list[Column]:
    """The first whole powers, each as dear as it is high."""
    return [Column(values**p, (symbol**p,), p) for p in range(1, highest + 1)]


def waves(values: Float[Tensor, " n"], symbol: Any) -> list[Column]:
    """Sine and cosine, and the square of the latter (that of the former is 1 less it)."""
    sympy = need("sympy", extra="pykan")
    sine, cosine = sympy.sin(symbol), sympy.cos(symbol)
    return [
        Column(values.cos(), (cosine,), 1),
        Column(values.sin(), (sine,), 1),
        Column(values.cos() ** 2, (cosine, cosine), 2),
        Column(values.cos() * values.sin(), (cosine, sine), 2),
    ]


def exponential(values: Float[Tensor, " n"], symbol: Any) -> Column:
    """e to the variable."""
    return Column(values.exp(), (need("sympy", extra="pykan").exp(symbol),), 1)


def roots(values: Float[Tensor, " n"], symbol: Any) -> list[Column]:
    """The first powers of the square root."""
    half = need("sympy", extra="pykan").Rational(1, 2)
    return [Column(values ** (p / 2), (symbol ** (p * half),), p) for p in range(1, 5)]


def products(families: Sequence[Sequence[Column]], limit: int) -> list[Column]:
    """The cheapest products of one column of every family, cheapest first.

    Family by family, as what is among the cheapest has only parts that are.
    """
    cheapest: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    for family in families:
        longer = ((cost + column.cost, (*chosen, c)) for cost, chosen in cheapest for c, column in enumerate(family))
        cheapest = heapq.nsmallest(limit, longer)
    found: list[Column] = []
    for cost, numbers in cheapest:
        chosen = [family[c] for family, c in zip(families, numbers, strict=True)]
        values = chosen[0].values
        for column in chosen[1:]:
            if column.factors:
                values = values * column.values
        found.append(Column(values, tuple(itertools.chain.from_iterable(c.factors for c in chosen)), cost))
    return found
