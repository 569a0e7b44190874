"""Random symbolic networks to start from: a fixed portfolio of shapes, functions drawn from a fixed prior."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.symbolic.discovery.batch import Batch, Layer, Shape
from ascribe.kan.symbolic.discovery.families import NUMBER

# Outer functions, the likelier the more often they stand here; powers are the likeliest.
_OUTER = ("even power",) * 5 + ("exp", "log", "sin", "sin", "asin", "tanh", "gaussian", "coth")


class Edge(NamedTuple):
    """A function, its a, b, c, d, p, and which of them move."""

    family: str
    affine: tuple[float, float, float, float, float]
    free: tuple[bool, bool, bool, bool, bool]


STILL = Edge("identity", (1, 0, 1, 0, 0), (False, False, False, False, False))
SCALED = Edge("identity", (1, 0, 1, 0, 0), (False, False, True, True, False))


class Prior:
    """Draws edges for data whose variables are of size 1; its own generator, by seed."""

    def __init__(self, x: Float[Tensor, "variables n"], seed: int) -> None:
        self._draw = random.Random(seed)
        self._positive = (x > 0).all(1).tolist()
        self._lowest = x.amin(1).tolist()

    def _normal(self) -> float:
        return self._draw.gauss(0.0, 1.0)

    def factor(self, i: int, wavy: float = 0.15) -> Edge:
        """A function of a variable as a factor of a product, whose scale stands elsewhere."""
        draw = self._draw
        kind = draw.random()
        if kind < wavy:
            return self._wave(1.0, False)
        if kind < wavy + 0.05:
            return Edge("exp", (self._normal(), 0, 1, 0, 0), (True, False, False, False, False))
        power = 0.01 if draw.random() < 0.3 else draw.choice([1.0, 1.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0])
        extra = draw.random()
        if self._positive[i]:
            if extra < 0.1:
                return Edge("even power", (1, 0, 1, 0, power), (False, True, False, False, True))
            if extra < 0.15:
                return Edge("even power", (1, 0, 1, 1, power), (False, False, False, True, True))
            return self._power(power, "even power")
        if extra < 0.08:
            away = -1.5 * self._lowest[i]
            return Edge("even power", (1, away, 1, 0, draw.choice([-1.0, 0.5, 1.0])), (False, True, False, False, True))
        if extra < 0.16:
            return Edge("even power", (1, 0, 1, 1, 2), (False, False, False, True, True))
        return self._signed(abs(power))

    def term(self, i: int, wavy: float = 0.15) -> Edge:
        """A function of a variable as a term of a sum."""
        kind, size = self._draw.random(), self._normal()
        if kind < wavy:
            return self._wave(size, True)
        if kind < wavy + 0.05:
            return Edge("exp", (self._normal(), 0, size, 0, 0), (True, False, True, False, False))
        if self._positive[i]:
            return self._power(self._draw.choice([1.0, 2.0, 1.0, 2.0, -1.0, 0.5]), "even power", size)
        return self._signed(self._draw.choice([1.0, 2.0]), size)

    def outer(self) -> Edge:
        """A function of a node."""
        draw, size = self._draw, 0.5 * self._normal()
        family = draw.choice(_OUTER)
        shifted = draw.random() < 0.3
        match family:
            case "even power":
                power = draw.choice([-1.0, -0.5, 0.5, 2.0, 1.0, -2.0])
                return Edge(family, (size, 1, 1, 0, power), (True, False, False, False, True))
            case "log":
                return Edge(family, (size, 1, 1, 0, 0), (True, False, False, True, False))
            case "sin":
                phase = draw.choice([0.0, 0.0, math.pi / 2])
                return Edge(family, (2 * size, phase, 1, 0, 0), (True, True, False, shifted, False))
            case _:
                moved = family in ("asin", "tanh")
                return Edge(family, (size, 0, 1, 0, 0), (True, moved, False, shifted, False))

    def _wave(self, size: float, scaled: bool) -> Edge:
        rate = self._draw.choice([1.0, 1.0, 2.0, 0.5]) * math.exp(0.5 * self._normal())
        phase = self._draw.choice([0.0, math.pi / 2])
        return Edge("sin", (rate, phase, size, 0, 0), (True, True, scaled, False, False))

    def _power(self, power: float, family: str, size: float | None = None) -> Edge:
        scale = 1.0 if size is None else size
        return Edge(family, (1, 0, scale, 0, power), (False, False, size is not None, False, True))

    def _signed(self, power: float, size: float | None = None) -> Edge:
        if power == 1:
            return self._power(power, "odd power", size)
        if power == 2 or power < 0.1:
            return self._power(power, "even power", size)
        return self._power(power, self._draw.choice(["even power", "odd power"]), size)


class Portfolio(NamedTuple):
    """A shape for n variables, edges for it, and how many networks start from it."""

    shape: Callable[[int], Shape]
    edges: Callable[[int, Prior], Sequence[Edge]]
    starts: int


def _all_of(n: int, copies: int = 1) -> tuple[int, ...]:
    return tuple(range(n)) * copies


def _product(n: int) -> Shape:
    return (Layer(_all_of(n), tuple(range(n)), (tuple(range(n)),)),)


def _sum(n: int) -> Shape:
    return (Layer(_all_of(n), (0,) * n, ((0,),)),)


def _outer_sum(n: int) -> Shape:
    return Layer(_all_of(n), (0,) * n, ((0,),)), Layer((0,), (0,), ((0,),))


def _times_outer_products(outers: int) -> Callable[[int], Shape]:
    """A product times outer functions of products."""

    def shape(n: int) -> Shape:
        nodes = tuple(tuple(range(first, first + n)) for first in range(0, n * (outers + 1), n))
        above = tuple(range(outers + 1))
        return Layer(_all_of(n, outers + 1), tuple(range(n * (outers + 1))), nodes), Layer(above, above, (above,))

    return shape


def _times_outer_sum(n: int) -> Shape:
    first = Layer(_all_of(n, 2), (*range(n), *(n,) * n), (tuple(range(n)), (n,)))
    return first, Layer((0, 1), (0, 1), ((0, 1),))


def _times_outer_sum_and_product(n: int) -> Shape:
    product, summed, second = tuple(range(n)), (n,), tuple(range(n + 1, 2 * n + 1))
    first = Layer(_all_of(n, 3), (*product, *summed * n, *second), (product, summed, second))
    return first, Layer((0, 1, 2), (0, 1, 1), ((0,), (1,))), Layer((0, 1), (0, 1), ((0, 1),))


# Sums of functions, for what an outer function has been taken off.
SUM = Portfolio(_sum, lambda n, prior: [prior.term(i, 0.3) for i in range(n)], 400)
PORTFOLIO: tuple[Portfolio, ...] = (
    Portfolio(_product, lambda n, prior: [prior.factor(i) for i in range(n)], 400),
    Portfolio(_outer_sum, lambda n, prior: [*(prior.term(i) for i in range(n)), prior.outer()], 600),
    Portfolio(
        _times_outer_products(1),
        lambda n, prior: [*(prior.factor(i) for i in _all_of(n, 2)), STILL, prior.outer()],
        1200,
    ),
    Portfolio(
        _times_outer_sum,
        lambda n, prior: [
            *(prior.factor(i, 0.05) for i in range(n)),
            *(prior.term(i) for i in range(n)),
            *(STILL, prior.outer()),
        ],
        1000,
    ),
    Portfolio(
        _times_outer_sum_and_product,
        lambda n, prior: [
            *(prior.factor(i, 0.05) for i in range(n)),
            *(prior.term(i, 0.1) for i in range(n)),
            *(prior.factor(i) for i in range(n)),
            *(STILL, STILL, SCALED, STILL, prior.outer()),
        ],
        1000,
    ),
    Portfolio(
        _times_outer_products(2),
        lambda n, prior: [
            *(prior.factor(i, 0.1) for i in range(n)),
            *(prior.factor(i) for i in _all_of(n, 2)),
            *(STILL, prior.outer(), prior.outer()),
        ],
        1000,
    ),
)


def drawn(portfolio: Portfolio, n: int, prior: Prior) -> Batch:
    """The networks of a portfolio for n variables."""
    rows = [portfolio.edges(n, prior) for _ in range(portfolio.starts if n > 1 else portfolio.starts // 4)]
    output = torch.tensor([[1.0, 0.0]], dtype=torch.float64).repeat(len(rows), 1)
    return Batch(
        portfolio.shape(n),
        torch.tensor([[NUMBER[edge.family] for edge in row] for row in rows]),
        torch.tensor([[edge.affine for edge in row] for row in rows], dtype=torch.float64),
        torch.tensor([[edge.free for edge in row] for row in rows]),
        output,
    )
