"""Shapley values: exact for few players, sampled with standard errors for many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import torch

from ascribe.maths.coalitions import plans
from ascribe.maths.games import WalkEstimator
from ascribe.maths.indices import Index, shapley_index
from ascribe.methods.cooperative import GameMethod, Sample


@final
@dataclass(frozen=True)
class Shapley(GameMethod):
    r"""What a player adds on average when it joins the others in random order:
    $\phi_i = \sum_{S \not\ni i} \frac{|S|!(n-|S|-1)!}{n!}\,(v(S\cup i) - v(S))$,
    where $v(S)$ is the mean of $f$ over the background with the players in $S$ taken from $x$.

    Exact (error 0) where all $2^n - 2$ coalitions over the whole background cost at most twice the budget; elsewhere
    sampled, with a standard error an entry. The values of a row sum to $f(x) - E f(x_0)$. All rows are asked about the
    same coalitions, and nothing is evaluated twice.

    Against a single baseline the sample is that of `KernelShap`, which has the smaller errors. Over a background it is
    random orders in antithetic pairs, where what differs between background rows does not spread from one player to the
    others. Every pair of orders meets one background row, in turn. Where not all are met, the score of the whole
    background corrects the values, and the errors are rather too large: they take the rows that are met for independent
    ones.

    `budget`: evaluations a row besides x and the background (None: 512, or 10 a player where that is more).
    `until`: go on, in rounds that double the budget, until a row's largest standard error is at most this part of its
    largest value, or `limit` evaluations are spent on it.

    Raises MethodError where the budget pays for fewer than five pairs of orders (against a single baseline, fewer than
    two pairs of coalitions a player), and for knobs out of range.

    Source: Shapley (1953), "A value for n-person games"; Castro, Gómez & Tejada (2009), "Polynomial calculation of the
    Shapley value based on sampling"; Mitchell et al. (2022), "Sampling permutations for Shapley value estimation".
    """

    laws: ClassVar[frozenset[str]] = frozenset(
        {"complete", "dummy", "linear", "affine", "symmetric", "implementation_invariant"}
    )

    def index_of(self, players: int) -> Index:
        return shapley_index(players)

    def fewest(self, players: int, background: int) -> int:
        return 4 * players if background == 1 else 10 * players

    def usual(self, players: int, background: int) -> int:
        return max(512, 10 * players)

    def samples(
        self, index: Index, background: int, budgets: list[int], generator: torch.Generator
    ) -> Iterator[Sample]:
        if background == 1:
            return super().samples(index, background, budgets, generator)
        walks = plans(index.players, background, budgets, generator)
        return (WalkEstimator(one, background) for one in walks)
