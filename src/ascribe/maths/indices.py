"""Indices of a cooperative game: numbers for players, or for pairs of them, symmetric and linear in the worths.

A symmetric linear index is a table. How much a coalition counts for a player depends on the coalition's size and on
whether the player is in it; for a pair, on whether both, one or neither is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from ascribe.maths.coalitions import every
from ascribe.maths.signs import elementary, mean_product

PAIRWISE = ("k-SII", "STII", "FSII")

_TOGETHER = 2**15  # coalitions whose counts are held together
_HIGHEST = 4  # degree of the products of signs


@final
@dataclass(frozen=True)
class Index:
    r"""What a coalition of each size 0..n counts for a player in it and for one out of it, and for pairs, if any.

    All are times $\binom ns$, the number of coalitions of that size: the numbers stay of moderate size. A pair's number
    is half of its interaction, for each of its two places in a symmetric matrix.
    """

    inside: Float64[Tensor, " sizes"]
    outside: Float64[Tensor, " sizes"]
    pair: Float64[Tensor, "3 sizes"] | None = None  # neither, one or both of a pair are present

    @property
    def players(self) -> int:
        return len(self.inside) - 1

    def lines(self) -> Iterator[int | None]:
        """The parts in which numbers are worked out: all players, or one player's own and pairs with later ones."""
        yield from [None] if self.pair is None else range(self.players)

    def counts(self, present: Bool[Tensor, "m players"], line: int | None) -> Float64[Tensor, "m entries"]:
        """What these coalitions count for the entries of a line."""
        size = present.sum(dim=1, keepdim=True)
        if line is None or self.pair is None:
            return torch.where(present, self.inside[size], self.outside[size])
        own = present[:, line : line + 1]
        counts = self.pair[own.long() + present[:, line:].long(), size]
        counts[:, :1] = torch.where(own, self.inside[size], self.outside[size])
        return counts

    def monomials(
        self, signs: Float64[Tensor, "m players"], degree: int, line: int | None
    ) -> Float64[Tensor, "m entries"]:
        r"""The index of the game $S \mapsto e_d(x_S \odot x)$, for every row of signs $x$ and the entries of a line.

        $e_d$ is the elementary symmetric polynomial, the sum of the products of d different entries, and $x_S$ is 1 for
        the present and -1 for the absent.
        """
        n, total = self.players, signs.sum(dim=1, keepdim=True)
        holding = signs * elementary(n - 1, total - signs, degree - 1)
        missing = elementary(n - 1, total - signs, degree)
        within, beside = self._of_products[degree]
        single = within * holding + beside * missing
        if line is None or self.pair is None:
            return single
        own, other = signs[:, line : line + 1], signs[:, line:]
        rest = total - own - other
        none, one, two = self._of_products_for_pairs[degree]
        found = two * own * other * elementary(n - 2, rest, degree - 2)
        found += one * (own + other) * elementary(n - 2, rest, degree - 1) + none * elementary(n - 2, rest, degree)
        found[:, :1] = single[:, line : line + 1]
        return found

    def exact(self, worths: Float64[Tensor, "rows coalitions"]) -> Float64[Tensor, "rows *entries"]:
        """The index of games given by the worths of all coalitions, in the order of `every`."""
        present, number = every(self.players), binomials(self.players)
        lines: list[Tensor] = []
        for line in self.lines():
            entries = self.players - (line or 0)
            found = worths.new_zeros(len(worths), entries)
            for first in range(0, len(present), _TOGETHER):
                some = present[first : first + _TOGETHER]
                counts = self.counts(some, line) / number[some.sum(dim=1)][:, None]
                found += worths[:, first : first + _TOGETHER] @ counts
            lines.append(found)
        return self.assembled(lines)

    def assembled(self, lines: list[Float64[Tensor, "rows ..."]]) -> Float64[Tensor, "rows *entries"]:
        """All entries from those of the lines."""
        if self.pair is None:
            return lines[0]
        matrix = lines[0].new_zeros(len(lines[0]), self.players, self.players)
        for line, found in enumerate(lines):
            matrix[:, line, line:] = found
            matrix[:, line:, line] = found
        return matrix

    def profile(self) -> Float64[Tensor, " sizes"]:
        """The root of the sum over all entries of the squares of what a coalition of each size counts."""
        n, size = self.players, torch.arange(self.players + 1, dtype=torch.float64)
        total = size * self.inside.square() + (n - size) * self.outside.square()
        if self.pair is not None:
            away = n - size
            pairs = torch.stack([away * (away - 1), 2 * size * away, size * (size - 1)])
            total = total + (pairs * self.pair.square()).sum(dim=0)
        return total.sqrt()

    @cached_property
    def _of_products(self) -> list[tuple[float, float]]:
        return [self._of_product(degree) for degree in range(_HIGHEST + 1)]

    @cached_property
    def _of_products_for_pairs(self) -> list[tuple[float, float, float]]:
        return [self._of_product_for_pairs(degree) for degree in range(_HIGHEST + 1)]

    def _of_product(self, degree: int) -> tuple[float, float]:
        """What the product of the signs of `degree` players is worth to one of them, and to another player."""
        n, size = self.players, torch.arange(self.players + 1, dtype=torch.float64)
        present, absent = self.inside * size / n, self.outside * (n - size) / n
        within = present * mean_product(n - 1, size - 1, degree - 1)
        within = within - absent * mean_product(n - 1, size, degree - 1)
        beside = present * mean_product(n - 1, size - 1, degree) + absent * mean_product(n - 1, size, degree)
        return float(within.sum()), float(beside.sum())

    def _of_product_for_pairs(self, degree: int) -> tuple[float, float, float]:
        """What the product of the signs of `degree` players is worth to a pair with none, one or both among them."""
        assert self.pair is not None
        n, size = self.players, torch.arange(self.players + 1, dtype=torch.float64)
        away, ways = n - size, n * (n - 1)
        neither, one, both = self.pair * torch.stack([away * (away - 1), 2 * size * away, size * (size - 1)]) / ways

        def sums(degree: int, absent: int, mixed: int, present: int) -> float:
            found = absent * neither * mean_product(n - 2, size, degree)
            found = found + mixed * one * mean_product(n - 2, size - 1, degree)
            return float((found + present * both * mean_product(n - 2, size - 2, degree)).sum())

        return sums(degree, 1, 1, 1), sums(degree - 1, -1, 0, 1), sums(degree - 2, 1, -1, 1)


@cache
def shapley_index(players: int) -> Index:
    r"""$\phi_i = \sum_{S \not\ni i} \frac{|S|!(n-|S|-1)!}{n!}\,(v(S \cup i) - v(S))$.

    Source: Shapley (1953), "A value for n-person games".
    """
    size = torch.arange(players + 1, dtype=torch.float64)
    return Index(_quotient(1.0, size), -_quotient(1.0, players - size))


@cache
def banzhaf_index(players: int) -> Index:
    r"""$\beta_i = 2^{1-n} \sum_{S \not\ni i} (v(S \cup i) - v(S))$.

    Source: Banzhaf (1965), "Weighted voting doesn't work"; Wang & Jia (2023), "Data Banzhaf".
    """
    # By the logarithm: the number of coalitions may exceed what a float holds, its share never does.
    size = torch.arange(players + 1, dtype=torch.float64)
    number = math.lgamma(players + 1) - torch.lgamma(size + 1) - torch.lgamma(players - size + 1)
    share = (number + (1 - players) * math.log(2)).exp()
    return Index(share, -share)


@cache
def pairwise_index(players: int, kind: str) -> Index:
    r"""Interactions of order two: the sum of $w_{|T|}\,(v(T \cup ij) - v(T \cup i) - v(T \cup j) + v(T))$ over $T$.

    $w_t$ is $\frac{t!(n-t-2)!}{(n-1)!}$ for k-SII, $\frac{2}{n} / \binom{n-1}{t}$ for STII and
    $\frac{6(t+1)!(n-t-1)!}{(n+1)!}$ for FSII. A player's own number is $v(i) - v(\emptyset)$ for STII; for the others
    it is what its Shapley value exceeds its half of all its interactions by.
    """
    n, s = players, torch.arange(players + 1, dtype=torch.float64)
    away, zero = n - s, torch.zeros(players + 1, dtype=torch.float64)
    if kind == "k-SII":
        neither, one, both = (_quotient(float(n), pairs) for pairs in (away * (away - 1), s * away, s * (s - 1)))
    elif kind == "STII":
        neither, one, both = _quotient(2.0, away), _quotient(2.0, s), _quotient(2 * (away + 1), s * (s - 1))
    else:
        neither, one, both = _quotient(6 * (s + 1), away), zero + 6, _quotient(6 * (away + 1), s)
        neither, one, both = neither / (n + 1), one / (n + 1), both / (n + 1)
    # Where no such pair exists, nothing counts.
    pair = torch.stack([neither * (away > 1), -one * (s > 0) * (away > 0), both * (s > 1)]) / 2
    if kind == "STII":
        inside, outside = zero.clone(), zero.clone()
        inside[1], outside[0] = n, -1.0
    else:
        value = shapley_index(n)
        inside = (value.inside - away * pair[1] - (s - 1) * pair[2]) * (s > 0)
        outside = (value.outside - (away - 1) * pair[0] - s * pair[1]) * (away > 0)
    return Index(inside, outside, pair)


def binomials(players: int) -> Float64[Tensor, " sizes"]:
    """The numbers of coalitions of each size."""
    return torch.tensor([float(math.comb(players, size)) for size in range(players + 1)], dtype=torch.float64)


def _quotient(above: float | Float64[Tensor, " sizes"], below: Float64[Tensor, " sizes"]) -> Float64[Tensor, " sizes"]:
    """The quotient, 0 where there is nothing to divide by."""
    return torch.where(below > 0, above / torch.where(below > 0, below, 1), torch.zeros_like(below))
