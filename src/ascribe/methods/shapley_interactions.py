"""What is due to players by themselves and to pairs of them together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

from ascribe.errors import MethodError
from ascribe.maths.indices import PAIRWISE, Index, pairwise_index
from ascribe.methods.cooperative import GameMethod


@final
@dataclass(frozen=True)
class ShapleyInteractions(GameMethod):
    r"""A symmetric matrix a row: the interaction of a pair, half of it in each of its two places, and on the diagonal
    what is due to a player alone.

    The whole matrix sums to $f(x) - E f(x_0)$, and each of its lines to the player's Shapley value. The interaction is
    $\sum_{T \subseteq N \setminus ij} w_{|T|}\,(v(T \cup ij) - v(T \cup i) - v(T \cup j) + v(T))$; `index` says with
    which weights, and what stands on the diagonal:

    - "k-SII": $w_t = \frac{t!(n-t-2)!}{(n-1)!}$, the Shapley interaction index; the diagonal is the Shapley value less
      half of all interactions (n-Shapley values of order two, shap's interaction values).
    - "STII": $w_t = \frac2n / \binom{n-1}{t}$, the Shapley-Taylor index; the diagonal is $v(i) - v(\emptyset)$.
    - "FSII": $w_t = \frac{6(t+1)!(n-t-1)!}{(n+1)!}$, the faithful index: the game of pairs that is nearest to $v$ with
      the weights of `KernelShap`.

    Exact (error 0) where all coalitions over the whole background cost at most twice the budget; elsewhere from
    coalitions drawn in pairs with their complements, with a standard error an entry. Each coalition counts for all
    pairs of players, less what a fit of interactions of up to four foretells.

    `budget`: evaluations a row besides x and the background (None: $2n^2$, but between 512 and 16,384). `until` and
    `limit`: as for `KernelShap`, for the largest entry of the matrix.

    Source: Grabisch & Roubens (1999); Bordt & von Luxburg (2023), "From Shapley values to generalized additive models
    and back"; Sundararajan, Dhamdhere & Agarwal (2020), "The Shapley Taylor interaction index"; Tsai, Yeh & Ravikumar
    (2023), "Faith-Shap"; Fumagalli et al. (2023), "SHAP-IQ".
    """

    index: str = field(default="k-SII", kw_only=True)

    laws: ClassVar[frozenset[str]] = frozenset(
        {"complete", "dummy", "linear", "affine", "symmetric", "implementation_invariant"}
    )
    yields: ClassVar[str] = "pairs"

    def __post_init__(self) -> None:
        if self.index not in PAIRWISE:
            raise MethodError(f"index={self.index!r} is not known; pass one of {', '.join(map(repr, PAIRWISE))}")
        super().__post_init__()

    def index_of(self, players: int) -> Index:
        return pairwise_index(players, self.index)

    def fewest(self, players: int, background: int) -> int:
        return 4 * players

    def usual(self, players: int, background: int) -> int:
        return max(512, min(2 * players**2, 2**14), self.fewest(players, background))
