"""What the methods of cooperative games share: exact where that is cheap, else sampled in rounds, with errors."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ascribe.core.game import Game, blocks
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.coalitions import every
from ascribe.maths.differences import DifferenceEstimator
from ascribe.maths.indices import Index
from ascribe.maths.pairings import pairings

_EXACT = 20  # players, for which the table of all coalitions' worths takes 170 MB


class Sample(Protocol):
    """Questions to ask, nobody with each background row and everybody first, and what follows from their answers."""

    @property
    def coalitions(self) -> Bool[Tensor, "questions players"]: ...

    @property
    def draws(self) -> Int[Tensor, " questions"]: ...

    def estimate(self, worths: Float[Tensor, "rows questions"]) -> tuple[Tensor, Tensor]:
        """Values and standard errors."""
        ...


@dataclass(frozen=True)
class GameMethod(Method):
    """An index of the game in which features are present or absent; its knobs are those of sampling.

    `budget`: evaluations a row besides x and the background. `until`: go on, in rounds that double the budget, until a
    row's largest standard error is at most this part of its largest value, or `limit` evaluations are spent on it.
    """

    budget: int | None = None
    until: float | None = None
    limit: int = 2**17
    seed: int = 0

    reference: ClassVar[str] = "background"

    def __post_init__(self) -> None:
        for name, count in (("budget", self.budget), ("limit", self.limit)):
            if (count is None and name == "limit") or (count is not None and not _is_count(count)):
                raise MethodError(f"{name}={count} is no number of evaluations; pass a whole number, at least 1")
        if self.until is not None and not 0 < self.until < math.inf:
            raise MethodError(f"until={self.until}; pass a part of the largest value, such as until=0.01")

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "draws any *shape"]) -> Estimate:
        game = Game(f, z, z0)
        index, budgets = self.index_of(game.players), self._budgets(game)
        sampled = [budget for budget in budgets if 2 * budget < _everything(game)]
        rounds = _Rounds(
            self.samples(index, game.draws, sampled, torch.Generator().manual_seed(self.seed)), len(sampled)
        )
        exactly = len(sampled) < len(budgets)
        parts = [
            self._solve(game, index, rows, rounds, exactly) for rows in blocks(len(z), 2 * budgets[-1] + game.draws)
        ]
        values, error = (torch.cat(part).to(z) for part in zip(*parts, strict=True))
        return Estimate(values, error)

    @abstractmethod
    def index_of(self, players: int) -> Index:
        """What is asked of the game."""

    @abstractmethod
    def fewest(self, players: int, background: int) -> int:
        """The fewest evaluations a row from which errors can be told."""

    def usual(self, players: int, background: int) -> int:
        """Evaluations a row where no budget is given."""
        return max(512, self.fewest(players, background))

    def samples(
        self, index: Index, background: int, budgets: list[int], generator: torch.Generator
    ) -> Iterator[Sample]:
        """One sample for each budget; the questions of one are the first of the next."""
        plans = pairings(index.players, background, index.profile(), budgets, generator)
        return (DifferenceEstimator(index, pairing) for pairing in plans)

    def _budgets(self, game: Game) -> list[int]:
        """The evaluations that may have been spent on a row at the end of each round."""
        fewest, everything = self.fewest(game.players, game.draws), _everything(game)
        first = min(self.usual(game.players, game.draws), self.limit) if self.budget is None else self.budget
        if first < fewest and 2 * first < everything:
            raise MethodError(
                f"{self.name} of {game.players} players needs {fewest} evaluations a row for values with errors, "
                f"but the budget is {first}; pass budget={fewest} or more, or groups= that join features"
            )
        if game.players > _EXACT and 2 * max(first, self.limit if self.until else 0) >= everything:
            raise MethodError(
                f"exact values of {game.players} players ask about 2**{game.players} coalitions, "
                f"and here {_EXACT} players are the most; pass a smaller budget, or groups= that join features"
            )
        budgets = [first]
        while self.until is not None and budgets[-1] < self.limit:
            budgets.append(min(2 * budgets[-1], self.limit))
        return budgets

    def _solve(
        self, game: Game, index: Index, rows: Int[Tensor, " block"], rounds: _Rounds, exactly: bool
    ) -> tuple[Tensor, Tensor]:
        """Values and errors of these data rows; those that have converged leave."""
        entries = (index.players,) if index.pair is None else (index.players, index.players)
        values = torch.zeros(len(rows), *entries, dtype=torch.float64)
        error = torch.zeros_like(values)
        until = math.inf if self.until is None else self.until
        left, known = torch.arange(len(rows)), torch.cat([game.nobody(rows), game.everybody(rows)], dim=1)
        for sample in rounds:
            fresh = slice(known.shape[1], None)
            answers = game.ask(rows[left], sample.coalitions[fresh], sample.draws[fresh])
            known = torch.cat([known, answers], dim=1)
            values[left], error[left] = sample.estimate(known)
            largest = values[left].flatten(1).abs().amax(dim=1)
            unsettled = error[left].flatten(1).amax(dim=1) > until * largest
            left, known = left[unsettled], known[unsettled]
            if len(left) == 0:
                return values, error
        if exactly:
            between = game.worths(rows[left], every(game.players)[1:-1], 2**game.players - 2)
            nobody, everybody = known[:, : game.draws].mean(dim=1, keepdim=True), known[:, game.draws, None]
            values[left], error[left] = index.exact(torch.cat([nobody, between, everybody], dim=1)), 0.0
        return values, error


class _Rounds:
    """The samples of all rounds, made when they are first needed and kept for the next block of rows."""

    def __init__(self, samples: Iterator[Sample], count: int) -> None:
        self._samples, self._count = samples, count
        self._made: list[Sample] = []

    def __iter__(self) -> Iterator[Sample]:
        for number in range(self._count):
            if number == len(self._made):
                self._made.append(next(self._samples))
            yield self._made[number]


def _is_count(given: object) -> bool:
    return isinstance(given, int) and given >= 1


def _everything(game: Game) -> int:
    """Evaluations a row of all coalitions but nobody and everybody, over the whole background."""
    return (2**game.players - 2) * game.draws
