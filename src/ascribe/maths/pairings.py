"""Coalitions sampled together with their complements, size by size, without replacement."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from ascribe.maths.coalitions import distinct

_LISTED = 2**16  # so many pairs of one size are drawn by their number; more are drawn by chance and told apart
_NEVER = 2**62  # no count comes near


@final
@dataclass(frozen=True)
class Pairing:
    r"""Pairs of a coalition and its complement, each met by one background row, of every size $1..\lfloor n/2 \rfloor$.

    Of the pairs of each size with all the background rows, `drawn` are here and `there` are in all. The pairs of a
    smaller pairing of the same plan come first.
    """

    background: int
    smaller: Bool[Tensor, "pairs players"]  # the smaller coalition of each pair; of two equal ones, the first player's
    draw: Int[Tensor, " pairs"]  # the background row of each pair
    drawn: Int[Tensor, " sizes"]
    there: Float64[Tensor, " sizes"]

    @property
    def coalitions(self) -> Bool[Tensor, "questions players"]:
        """All questions: nobody with each background row, everybody, then each pair's coalition and complement."""
        players = self.smaller.shape[1]
        ends = torch.zeros(self.background + 1, players, dtype=torch.bool)
        ends[-1] = True
        return torch.cat([ends, torch.stack([self.smaller, ~self.smaller], dim=1).flatten(0, 1)])

    @property
    def draws(self) -> Int[Tensor, " questions"]:
        """The background row of each question."""
        return torch.cat(
            [torch.arange(self.background), torch.zeros(1, dtype=torch.int64), self.draw.repeat_interleave(2)]
        )

    @property
    def share(self) -> Float64[Tensor, " pairs"]:
        r"""How many pairs of its size, as a part of $\binom ns$, a pair stands for."""
        players = self.smaller.shape[1]
        size = torch.arange(1, len(self.drawn) + 1)
        return (torch.where(2 * size == players, 0.5, 1.0).double() / self.drawn)[self._stratum]

    @property
    def missed(self) -> Float64[Tensor, " pairs"]:
        """The part of the pairs of its size that is not here, a factor of the variance; 0 where all are."""
        return (1 - self.drawn / self.there)[self._stratum]

    @property
    def _stratum(self) -> Int[Tensor, " pairs"]:
        return self.smaller.sum(dim=1) - 1


def pairings(
    players: int,
    background: int,
    profile: Float64[Tensor, " sizes"],
    budgets: list[int],
    generator: torch.Generator,
) -> Iterator[Pairing]:
    r"""Pairings that ask at most so many questions each time, those of nobody and everybody not counted.

    `profile` is what a coalition of each size 0..n counts, times $\binom ns$. A size gets pairs in proportion to what
    its coalitions count together, at least one pair, at most all; over the rows of the background in turn. With the
    profile of the Shapley value that is nearly sampling by leverage scores, which has the same number of coalitions of
    each size. There are two players or more; the budgets rise, and pay for a pair of each size. Each pairing goes on
    where the one before it stopped.
    Source: Musco & Witter (2025), "Provably accurate Shapley value estimation via leverage score sampling";
    Neyman (1934), "On the two different aspects of the representative method".
    """
    strata = [_Stratum(players, size, background, generator) for size in range(1, players // 2 + 1)]
    there = torch.tensor([float(min(stratum.there, 10**300)) for stratum in strata], dtype=torch.float64)
    wanted = torch.tensor([0.5 if 2 * s.size == players else 1.0 for s in strata], dtype=torch.float64)
    wanted = wanted * (profile[1 : len(strata) + 1] + profile.flip(0)[1 : len(strata) + 1])
    drawn = torch.zeros(len(strata), dtype=torch.int64)
    smaller, draw = torch.empty(0, players, dtype=torch.bool), torch.empty(0, dtype=torch.int64)
    for budget in budgets:
        more = apportioned(wanted, there, budget // 2)
        fresh = [stratum.pairs(int(first), int(last)) for stratum, first, last in zip(strata, drawn, more, strict=True)]
        smaller = torch.cat([smaller, *(pairs for pairs, _ in fresh)])
        draw, drawn = torch.cat([draw, *(rows for _, rows in fresh)]), more
        yield Pairing(background, smaller, draw, drawn, there)


def apportioned(
    wanted: Float64[Tensor, " parties"], most: Float64[Tensor, " parties"], seats: int
) -> Int[Tensor, " parties"]:
    """Seats in proportion to what is wanted, at least one and at most so many each.

    Nobody loses a seat when there are more: they go to the highest averages, by the method of Sainte-Laguë.

    >>> apportioned(torch.tensor([6.0, 3.0, 1.0]).double(), torch.tensor([4.0, 9.0, 9.0]).double(), 9).tolist()
    [4, 4, 1]
    """
    # Ties are broken for good, the first before the others. In numpy, whose small operations cost the least.
    shares, limits = wanted.numpy() * (1 + 1e-9 * np.arange(len(wanted), 0, -1)), most.numpy()
    shares = shares / shares.max()

    def given(price: float) -> npt.NDArray[np.float64]:
        return np.minimum(np.maximum(np.floor(shares * price + 0.5), 1), limits)

    low, high = 0.0, 1.0
    while given(high).sum() <= seats and bool((given(high) < limits).any()):
        high *= 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if given(middle).sum() <= seats else (low, middle)
    return torch.from_numpy(given(low)).long()


@final
@dataclass
class _Stratum:
    """The pairs of one size with all background rows, in one random order, known as far as it was asked for."""

    players: int
    size: int
    background: int
    generator: torch.Generator
    order: Tensor = field(init=False)  # the numbers of the pairs, or as many coalitions as have been drawn
    meeting: Int[Tensor, " background"] = field(init=False)

    def __post_init__(self) -> None:
        self.meeting = torch.randperm(self.background, generator=self.generator)
        listed = self.number <= _LISTED
        self.order = (
            torch.randperm(self.number, generator=self.generator)
            if listed
            else torch.empty(0, self.players, dtype=torch.bool)
        )

    @property
    def number(self) -> int:
        """The pairs of this size."""
        return math.comb(self.players, self.size) // (2 if 2 * self.size == self.players else 1)

    @property
    def there(self) -> int:
        return self.number * self.background

    def pairs(self, first: int, last: int) -> tuple[Bool[Tensor, "pairs players"], Int[Tensor, " pairs"]]:
        """Pairs `first` to `last - 1`, with their background rows: all pairs once, then once more with other rows."""
        place = torch.arange(first, last)
        # Row after row of the background; one further where both would begin anew and so meet again.
        together = math.lcm(self.number, self.background)
        draw = self.meeting[(place + place // min(together, _NEVER)) % self.background]
        place = place % min(self.number, _NEVER)
        if self.number <= _LISTED:
            return subsets(self.players, self.size, self.order[place]), draw
        while len(self.order) < min(last, self.number):
            rank = torch.rand(last - len(self.order), self.players, generator=self.generator).argsort(dim=1)
            drawn = rank.argsort(dim=1) < self.size
            if 2 * self.size == self.players:
                drawn = drawn ^ ~drawn[:, :1]
            self.order = distinct(torch.cat([self.order, drawn]))
        return self.order[place], draw


def subsets(players: int, size: int, number: Int[Tensor, " m"]) -> Bool[Tensor, "m players"]:
    """The subsets of this size with these numbers, in lexicographic order: those with the first player come first.

    >>> subsets(3, 2, torch.arange(3)).int().tolist()
    [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
    """
    left, rest = np.full(len(number), size), number.numpy().copy()
    present = np.zeros((len(number), players), dtype=bool)
    for player in range(players):
        # With r players behind this one there are C(r, left - 1) subsets that take it; too many to number are enough.
        behind = players - player - 1
        ways = np.array([0] + [min(math.comb(behind, k), _LISTED + 1) for k in range(size)])[left]
        present[:, player] = taken = rest < ways
        rest -= np.where(taken, 0, ways)
        left -= taken
    return torch.from_numpy(present)
