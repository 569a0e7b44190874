"""Shapley values: exact for few players, sampled with standard errors for many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.game import Game, blocks
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.coalitions import Walks, every, plans
from ascribe.maths.games import contributions, shapley
from ascribe.maths.sampling import controlled_mean, stratified_mean

_EXACT = 20  # players, for which the table of all coalitions' worths takes 170 MB


@final
@dataclass(frozen=True)
class Shapley(Method):
    r"""What a player adds on average when it joins the others in random order:
    $\phi_i = \sum_{S \not\ni i} \frac{|S|!(n-|S|-1)!}{n!}\,(v(S\cup i) - v(S))$,
    where $v(S)$ is the mean of $f$ over the background with the players in $S$ taken from $x$.

    Exact (error 0) where all $2^n - 2$ coalitions over the whole background cost at most twice the budget; elsewhere
    random orders in antithetic pairs, with a standard error an entry. The values of a row sum to $f(x) - E f(x_0)$.
    All rows walk the same orders, and nothing is evaluated twice. Every pair of orders meets one background row, in
    turn. Where not all are met, the score of the whole background corrects the values, and the errors are rather too
    large: they take the rows that are met for independent ones.

    `budget`: evaluations a row besides x and the background (None: 512, or 10 a player where that is more).
    `until`: go on, in rounds that double the budget, until a row's largest standard error is at most this part of its
    largest value, or `limit` evaluations are spent on it.

    Raises MethodError where the budget pays for fewer than five pairs of orders, and for knobs out of range.

    Source: Shapley (1953), "A value for n-person games"; Castro, Gómez & Tejada (2009), "Polynomial calculation of the
    Shapley value based on sampling"; Mitchell et al. (2022), "Sampling permutations for Shapley value estimation".
    """

    budget: int | None = None
    until: float | None = None
    limit: int = 2**17
    seed: int = 0

    laws: ClassVar[frozenset[str]] = frozenset(
        {"complete", "dummy", "linear", "affine", "symmetric", "implementation_invariant"}
    )
    reference: ClassVar[str] = "background"

    def __post_init__(self) -> None:
        if (self.budget is not None and self.budget < 1) or self.limit < 1:
            raise MethodError(f"budget={self.budget} and limit={self.limit}; pass numbers of evaluations, at least 1")
        if self.until is not None and not 0 < self.until < math.inf:
            raise MethodError(f"until={self.until}; pass a part of the largest value, such as until=0.01")

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "draws any *shape"]) -> Estimate:
        game = Game(f, z, z0)
        budgets = self._budgets(game)
        parts = [self._solve(game, rows, budgets) for rows in blocks(len(z), 2 * budgets[-1] + game.draws)]
        values, error = (torch.cat(part).to(z) for part in zip(*parts, strict=True))
        return Estimate(values, error)

    def _budgets(self, game: Game) -> list[int]:
        """The evaluations that may have been spent on a row at the end of each round."""
        fewest = 10 * game.players  # five pairs of orders ask about two coalitions a player each
        first = min(max(512, fewest), self.limit) if self.budget is None else self.budget
        if first < fewest and 2 * first < _everything(game):
            raise MethodError(
                f"Shapley values of {game.players} players need {fewest} evaluations a row for five pairs of orders, "
                f"but the budget is {first}; pass budget={fewest} or more, or groups= that join features"
            )
        if game.players > _EXACT and 2 * max(first, self.limit if self.until else 0) >= _everything(game):
            raise MethodError(
                f"exact Shapley values of {game.players} players ask about 2**{game.players} coalitions, "
                f"and here {_EXACT} players are the most; pass a smaller budget, or groups= that join features"
            )
        budgets = [first]
        while self.until is not None and budgets[-1] < self.limit:
            budgets.append(min(2 * budgets[-1], self.limit))
        return budgets

    def _solve(self, game: Game, rows: Int[Tensor, " block"], budgets: list[int]) -> tuple[Tensor, Tensor]:
        """Values and errors of these data rows; those that have converged leave."""
        values = torch.zeros(len(rows), game.players, dtype=torch.float64)
        error = torch.zeros_like(values)
        sampled = [budget for budget in budgets if 2 * budget < _everything(game)]
        until = math.inf if self.until is None else self.until
        left, known = torch.arange(len(rows)), torch.cat([game.nobody(rows), game.everybody(rows)], dim=1)
        for walks in plans(game.players, game.draws, sampled, torch.Generator().manual_seed(self.seed)):
            fresh = slice(known.shape[1], None)
            answers = game.ask(rows[left], walks.coalitions[fresh], walks.draws[fresh])
            known = torch.cat([known, answers], dim=1)
            values[left], error[left] = _estimate(walks, known, game.draws)
            unsettled = error[left].amax(dim=1) > until * values[left].abs().amax(dim=1)
            left, known = left[unsettled], known[unsettled]
            if len(left) == 0:
                return values, error
        if len(sampled) < len(budgets):
            some = every(game.players)[1:-1]
            between = game.worths(rows[left], some, len(some))
            nobody, everybody = known[:, : game.draws].mean(dim=1, keepdim=True), known[:, game.draws, None]
            values[left], error[left] = shapley(torch.cat([nobody, between, everybody], dim=1)), 0.0
        return values, error


def _everything(game: Game) -> int:
    """Evaluations a row of all coalitions but nobody and everybody, over the whole background."""
    return (2**game.players - 2) * game.draws


def _estimate(walks: Walks, worths: Float[Tensor, "block questions"], background: int) -> tuple[Tensor, Tensor]:
    """Values and standard errors from what all questions of the walks are worth: a sample is a pair of orders."""
    each = contributions(worths[:, walks.index], walks.order)
    pairs, draw = (each[:, ::2] + each[:, 1::2]) / 2, walks.draw[::2]
    # The spread within background rows is known from those met twice: at least a quarter of them.
    if len(draw) >= background + max(3, background // 4):
        return stratified_mean(pairs, draw)
    nobody = worths[:, :background]
    return controlled_mean(pairs, nobody[:, draw], nobody.mean(dim=1))
