"""Coalitions: who is present. Which of them a game method asks about, and each question only once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

_BITS = 62  # players in one int64 word of a coalition's code


def every(players: int) -> Bool[Tensor, "coalitions players"]:
    """All 2^players coalitions; player i is present in coalition c where bit i of c is set.

    >>> every(2).tolist()
    [[False, False], [True, False], [False, True], [True, True]]
    """
    return ((torch.arange(2**players)[:, None] >> torch.arange(players)) & 1).bool()


def antithetic(players: int, pairs: int, generator: torch.Generator) -> Int[Tensor, "walks players"]:
    """Random orders of the players in pairs: each one is followed by its own reverse.

    A player that comes early in one comes late in the other, so what depends on the place in the order cancels.
    Source: Mitchell, Cooper, Frank & Holmes (2022), "Sampling permutations for Shapley value estimation".
    """
    order = torch.rand(pairs, players, generator=generator, dtype=torch.float64).argsort(dim=1)
    return torch.stack([order, order.flip(1)], dim=1).flatten(0, 1)


@final
@dataclass(frozen=True)
class Walks:
    """Walks from nobody to everybody, one player at a time, and the distinct questions they ask.

    A question is a coalition and the background row that stands in for the absent players (nobody is absent from
    the whole coalition: it has one question for all walks). Questions stand in the order of their first asking, so
    the questions of the first walks are the first questions.
    """

    order: Int[Tensor, "walks players"]
    draw: Int[Tensor, " walks"]  # the background row of each walk
    coalitions: Bool[Tensor, "questions players"]
    draws: Int[Tensor, " questions"]  # the background row of each question
    index: Int[Tensor, "walks steps"]  # the question at each step of each walk: players + 1 of them, nobody first

    def first(self, walks: int) -> Walks:
        """Only the first walks, with only their questions."""
        index = self.index[:walks]
        asked = int(index.max()) + 1
        return Walks(self.order[:walks], self.draw[:walks], self.coalitions[:asked], self.draws[:asked], index)

    def within(self, budget: int) -> Walks:
        """As many whole pairs of walks, from the first on, as ask at most `budget` questions."""
        asked = self.index.amax(dim=1).cummax(dim=0).values + 1
        return self.first(int((asked <= budget).sum()) // 2 * 2)


def walk(order: Int[Tensor, "walks players"], draw: Int[Tensor, " walks"]) -> Walks:
    """Walk each order over its background row.

    >>> walks = walk(torch.tensor([[0, 1], [1, 0]]), torch.tensor([0, 0]))
    >>> walks.coalitions.tolist()
    [[False, False], [True, False], [True, True], [False, True]]
    >>> walks.index.tolist()
    [[0, 1, 2], [0, 3, 2]]
    """
    walks, players = order.shape
    # One code a step: the present players as bits, then the background row.
    words = torch.zeros(walks, players + 1, (players - 1) // _BITS + 2, dtype=torch.int64)
    words[:, 1:, :-1].scatter_(2, (order // _BITS)[..., None], (1 << order % _BITS)[..., None])
    words = words.cumsum(dim=1)
    words[:, :players, -1] = draw[:, None]
    index, first = _first_occurrences(words.flatten(0, 1))
    step = first % (players + 1)
    rank = order.argsort(dim=1)[first // (players + 1)]
    return Walks(order, draw, rank < step[:, None], words.flatten(0, 1)[first, -1], index.view(walks, players + 1))


def _first_occurrences(codes: Int[Tensor, "n words"]) -> tuple[Int[Tensor, " n"], Int[Tensor, " distinct"]]:
    """The number of each code among the distinct ones, counted by first occurrence; where each occurs first."""
    _, found, inverse = np.unique(codes.numpy(), axis=0, return_index=True, return_inverse=True)
    first, by_first = torch.from_numpy(found).sort()
    return by_first.argsort()[torch.from_numpy(inverse.reshape(-1))], first
