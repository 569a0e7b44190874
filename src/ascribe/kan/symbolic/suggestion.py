"""What an edge may be: functions in the order of their worth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

from jaxtyping import Float64
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.symbolic.function import Function

# pykan's: an error below this is as good as none, as splines are not more exact.
_EXACT = 1e-5
_CANCELLED = 0.1  # of a bit of misfit, for each bit that cancels


class Ranked(NamedTuple):
    """One function for an edge: its affine a, b, c, d, its error as a share of the variance, and its loss."""

    name: str
    function: Function
    affine: tuple[float, float, float, float]
    error: float
    complexity: float
    loss: float

    @property
    def r2(self) -> float:
        """The coefficient of determination."""
        return 1 - self.error


@final
@dataclass(frozen=True)
class Suggestion:
    """The functions for an edge, best first.

    It unpacks, as in pykan, into the best one's name, function, r2 and complexity.
    """

    edge: tuple[int, int, int]
    ranked: tuple[Ranked, ...]

    @property
    def best(self) -> Ranked:
        """The function of the smallest loss."""
        return self.ranked[0]

    def top(self, count: int) -> Suggestion:
        """The best few."""
        return Suggestion(self.edge, self.ranked[: max(1, count)])

    def __iter__(self) -> Iterator[str | Function | float]:
        best = self.best
        return iter((best.name, best.function, best.r2, best.complexity))

    def __repr__(self) -> str:
        head = ("function", "r2", "1 - r2", "complexity", "loss", "c f(a x + b) + d")
        rows = [
            (
                each.name,
                f"{each.r2:.6f}",
                f"{each.error:.2e}",
                f"{each.complexity:g}",
                f"{each.loss:.3f}",
                "a={:.4g}, b={:.4g}, c={:.4g}, d={:.4g}".format(*each.affine),
            )
            for each in self.ranked
        ]
        wide = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in (head, *rows))
        return f"edge {self.edge}\n" + "\n".join(lines)


def rank(
    edge: tuple[int, int, int],
    functions: Sequence[Function],
    affine: Float64[Tensor, "functions 4"],
    error: Float64[Tensor, " functions"],
    spread: float,
    weight_simple: float,
) -> Suggestion:
    r"""Order functions by $w\,complexity + (1 - w) (\log_2(1 - r^2 + 10^{-5}) + \log_2(1 + |d| / spread) / 10)$.

    pykan's loss, with an r2 that does not depend on the scale of the edge, and a tenth of the bits that c f and d
    cancel: cos(x / 100) is a parabola, too, but needs d = -10,000 to be one.  Raises InputError for w outside [0, 1].
    """
    if not 0 <= weight_simple <= 1:
        raise InputError(
            f"weight_simple={weight_simple} is no share; pass one from 0 (fit alone) to 1 (simplicity alone)."
        )
    found: list[Ranked] = []
    for function, (a, b, c, d), share in zip(functions, affine.tolist(), error.tolist(), strict=True):
        if math.isnan(a):
            continue
        cancelled = math.log2(1 + abs(d) / spread) if spread else 0.0
        misfit = math.log2(share + _EXACT) + _CANCELLED * cancelled
        loss = weight_simple * function.complexity + (1 - weight_simple) * misfit
        found.append(Ranked(function.name, function, (a, b, c, d), share, function.complexity, loss))
    # sin and cos are each other's images: of equals the one with the smaller shift reads better.
    return Suggestion(edge, tuple(sorted(found, key=lambda each: (round(each.loss, 3), abs(each.affine[1])))))
