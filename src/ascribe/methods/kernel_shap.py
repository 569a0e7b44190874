"""Shapley values by regression on sampled coalitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ascribe.maths.indices import Index, shapley_index
from ascribe.methods.cooperative import GameMethod


@final
@dataclass(frozen=True)
class KernelShap(GameMethod):
    r"""Shapley values as a least-squares problem: the additive game that is nearest to
    $v(S) = E f(\text{players in } S \text{ from } x)$, where a coalition weighs
    $\frac{n-1}{\binom{n}{|S|}\,|S|\,(n-|S|)}$.

    Exact (error 0) where all $2^n - 2$ coalitions over the whole background cost at most twice the budget. Elsewhere
    coalitions are drawn in pairs with their complements, size by size without replacement, the same for all rows, and
    every pair meets one background row in turn; besides single players, interactions of three are fitted (those of two
    cancel in a pair), and what the fit misses is added by its weight, so that there is a standard error an entry. The
    values of a row sum to $f(x) - E f(x_0)$. One factorisation serves all rows; nothing is evaluated twice.

    With one baseline the errors are far below those of random orders at the same price. A background of many rows is
    noise for a regression: there `Shapley` takes random orders.

    `budget`: evaluations a row besides x and the background (None: 512, or 4 a player where that is more). `until`: go
    on, in rounds that double the budget, until a row's largest standard error is at most this part of its largest
    value, or `limit` evaluations are spent on it.

    Raises MethodError where the budget pays for fewer than two pairs a player, and for knobs out of range.

    Source: Lundberg & Lee (2017), "A unified approach to interpreting model predictions"; Covert & Lee (2021),
    "Improving KernelSHAP"; Musco & Witter (2025), "Provably accurate Shapley value estimation via leverage score
    sampling"; Witter, Liu & Musco (2025), "Regression-adjusted Monte Carlo estimators".
    """

    laws: ClassVar[frozenset[str]] = frozenset(
        {"complete", "dummy", "linear", "affine", "symmetric", "implementation_invariant"}
    )

    def index_of(self, players: int) -> Index:
        return shapley_index(players)

    def fewest(self, players: int, background: int) -> int:
        return 4 * players
