"""Coalitions: who is present. Which of them a game method asks about, and each question only once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Int, Integer
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

    A question is a coalition and the background row that stands in for the absent players. First comes nobody with each
    background row in turn, walked over or not, then everybody (where nobody is absent, and one question does for all
    walks), then the others in the order of their first asking: those of the first walks come first.
    """

    order: Int[Tensor, "walks players"]
    draw: Int[Tensor, " walks"]  # the background row of each walk
    coalitions: Bool[Tensor, "questions players"]
    draws: Int[Tensor, " questions"]  # the background row of each question
    index: Int[Tensor, "walks steps"]  # the question at each step of each walk: players + 1 of them, nobody first

    def within(self, questions: int) -> Walks:
        """As many whole pairs of walks, from the first on, as ask at most so many questions."""
        asked = self.index.amax(dim=1).cummax(dim=0).values + 1
        walks = int((asked <= questions).sum()) // 2 * 2
        kept = int(asked[walks - 1]) if walks else 0
        return Walks(
            self.order[:walks], self.draw[:walks], self.coalitions[:kept], self.draws[:kept], self.index[:walks]
        )


def walk(order: Int[Tensor, "walks players"], draw: Int[Tensor, " walks"], background: int) -> Walks:
    """Walk each order over its row of a background of so many rows.

    >>> walks = walk(torch.tensor([[0, 1], [1, 0]]), torch.tensor([0, 0]), background=1)
    >>> walks.coalitions.tolist()
    [[False, False], [True, True], [True, False], [False, True]]
    >>> walks.index.tolist()
    [[0, 2, 1], [0, 3, 1]]
    """
    walks, players = order.shape
    # One code a step: the present players as bits, then the background row.
    steps = torch.zeros(walks, players + 1, (players - 1) // _BITS + 2, dtype=torch.int64)
    steps[:, 1:, :-1].scatter_(2, (order // _BITS)[..., None], (1 << order % _BITS)[..., None])
    steps = steps.cumsum(dim=1)
    steps[:, :players, -1] = draw[:, None]
    player = torch.arange(players)
    ends = torch.zeros(background + 1, steps.shape[2], dtype=torch.int64)
    ends[:background, -1] = torch.arange(background)
    ends[background, :-1].index_add_(0, player // _BITS, 1 << player % _BITS)
    codes = torch.cat([ends, steps.flatten(0, 1)])
    number, first = _first_occurrences(codes)
    present = (codes[first][:, player // _BITS] & (1 << player % _BITS)) != 0
    return Walks(order, draw, present, codes[first, -1], number[background + 1 :].view(walks, players + 1))


def plans(players: int, background: int, budgets: list[int], generator: torch.Generator) -> Iterator[Walks]:
    """Antithetic walks that ask at most so many questions each time, those of nobody and everybody not counted.

    The budgets rise, and are at most half of all there is to ask. Each plan goes on where the one before it stopped.
    The pairs of walks meet the background rows in turn, in a random order. Which pairs are the last to be affordable
    depends on repetitions alone, which are the same for every naming of the players: so every walk that is kept is a
    uniformly random order.
    """
    meeting = torch.randperm(background, generator=generator)
    order = torch.empty(0, players, dtype=torch.int64)
    for budget in budgets:
        while True:
            draw = meeting[torch.arange(len(order)) // 2 % background]
            walks = walk(order, draw, background)
            missing = budget + background + 1 - len(walks.coalitions)
            if missing < 0:
                break
            # As many as would do if all they ask were new, and more the more often it was not.
            pairs = max(missing // (2 * players) + 1, len(order) // 2)
            order = torch.cat([order, antithetic(players, pairs, generator)])
        yield walks.within(budget + background + 1)


def distinct(coalitions: Bool[Tensor, "m players"]) -> Bool[Tensor, "distinct players"]:
    """Each coalition once, in the order of their first occurrence."""
    return coalitions[_first_occurrences(torch.as_tensor(np.packbits(coalitions.numpy(), axis=1)))[1]]


def _first_occurrences(codes: Integer[Tensor, "n words"]) -> tuple[Int[Tensor, " n"], Int[Tensor, " distinct"]]:
    """The number of each code among the distinct ones, counted by first occurrence; where each occurs first."""
    _, found, inverse = np.unique(codes.numpy(), axis=0, return_index=True, return_inverse=True)
    first, by_first = torch.as_tensor(found).sort()
    return by_first.argsort()[torch.as_tensor(inverse.reshape(-1))], first
