"""Formulas for the same data, from the simplest to the most accurate."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

from ascribe.errors import need
from ascribe.kan.symbolic.plain import plain, rounded

# Relative error that only rounding leaves.
EXACT = 1e-10


def complexity_of(expression: Any) -> int:
    """How many numbers, symbols and operations an expression is made of.

    >>> import sympy
    >>> x = sympy.Symbol("x"); complexity_of(x), complexity_of(2 * sympy.sin(x) + 1)
    (1, 6)
    """
    return sum(1 for _ in need("sympy", extra="pykan").preorder_traversal(expression))


@final
@dataclass(frozen=True)
class Candidate:
    """A formula, what it costs, its error on data it was not fitted to (RMS over standard deviation), and its way.

    `rounding` is the error that the precision of the data leaves.
    """

    expression: Any
    complexity: int
    error: float
    way: str
    rounding: float = EXACT

    @property
    def exact(self) -> bool:
        """Whether only rounding is left."""
        return self.error < self.rounding


@final
@dataclass(frozen=True)
class Pareto:
    """The candidates that no other beats in both complexity and error, simplest first; prints as a table.

    `chosen` is the simplest exact one; where none is exact, the one that the Bayesian information criterion picks for
    `rows` rows.
    """

    candidates: tuple[Candidate, ...]
    chosen: int

    @staticmethod
    def of(candidates: Iterable[Candidate], rows: int, rounding: float = EXACT) -> Pareto:
        """The front of these, one at least; errors below `rounding` are not told apart."""
        front: list[Candidate] = []
        decimal = need("sympy", extra="pykan").Float

        def order(candidate: Candidate) -> tuple[int, float, int, float]:
            # Of formulas that are as good, the one whose numbers are written exactly comes first.
            inexact = len(candidate.expression.atoms(decimal))
            return candidate.complexity, max(candidate.error, rounding), inexact, candidate.error

        for candidate in sorted(candidates, key=order):
            if not front or max(candidate.error, rounding) < max(front[-1].error, rounding):
                front.append(candidate)

        def criterion(i: int) -> float:
            error = max(front[i].error, rounding)
            return 2 * rows * math.log(error) + front[i].complexity * math.log(rows)

        return Pareto(tuple(front), min(range(len(front)), key=criterion))

    @property
    def complexity(self) -> tuple[int, ...]:
        """Of every candidate."""
        return tuple(candidate.complexity for candidate in self.candidates)

    @property
    def error(self) -> tuple[float, ...]:
        """Of every candidate."""
        return tuple(candidate.error for candidate in self.candidates)

    @property
    def formula(self) -> tuple[Any, ...]:
        """Of every candidate, as a sympy expression."""
        return tuple(candidate.expression for candidate in self.candidates)

    @property
    def best(self) -> Candidate:
        """The chosen one."""
        return self.candidates[self.chosen]

    def __len__(self) -> int:
        return len(self.candidates)

    def __getitem__(self, i: int) -> Candidate:
        return self.candidates[i]

    def __str__(self) -> str:
        lines = ["   complexity      error  formula"]
        for i, candidate in enumerate(self.candidates):
            mark = "->" if i == self.chosen else "  "
            shown = candidate.expression if candidate.exact else rounded(candidate.expression, 4)
            lines.append(f"{mark} {candidate.complexity:10d} {candidate.error:10.2e}  {plain(shown)}")
        return "\n".join(lines)

    __repr__ = __str__
