"""Banzhaf values: what a player adds to a coalition drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ascribe.maths.indices import Index, banzhaf_index
from ascribe.methods.cooperative import GameMethod


@final
@dataclass(frozen=True)
class Banzhaf(GameMethod):
    r"""What a player adds on average to the others when each of them is present by the toss of a coin:
    $\beta_i = 2^{1-n} \sum_{S \not\ni i} (v(S \cup i) - v(S))$.

    $v(S)$ is the mean of $f$ over the background with the players in $S$ taken from $x$. The order of players by this
    value is the most robust one against noise in $f$; the values do not sum to $f(x) - E f(x_0)$ where players
    interact.

    Exact (error 0) where all coalitions over the whole background cost at most twice the budget. Elsewhere every
    sampled coalition, drawn in a pair with its complement, counts for all players (maximum sample reuse), less what a
    fit of single players and interactions of three foretells, with a standard error an entry. `budget`, `until`,
    `limit`: as for `KernelShap`.

    Source: Banzhaf (1965), "Weighted voting doesn't work"; Wang & Jia (2023), "Data Banzhaf: a robust data valuation
    framework for machine learning"; Witter, Liu & Musco (2025), "Regression-adjusted Monte Carlo estimators".
    """

    laws: ClassVar[frozenset[str]] = frozenset({"dummy", "linear", "affine", "symmetric", "implementation_invariant"})

    def index_of(self, players: int) -> Index:
        return banzhaf_index(players)

    def fewest(self, players: int, background: int) -> int:
        return 4 * players
