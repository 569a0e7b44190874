"""What was found so far: ranked on rows that were not fitted, constants made as simple as the data allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.symbolic.discovery.smooth import is_noise
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.exact import with_exact_numbers
from ascribe.kan.symbolic.pareto import EXACT, Candidate, Pareto, complexity_of
from ascribe.kan.symbolic.snap import Snapped, snap

# Formulas whose constants are made simple after every stage.
_POLISHED = 3
# Stages that have found no better formula than one that leaves noise alone, before it is taken: more for one with
# several decimals, as such a one may be a mere approximation.
_CONFIRMED, _BY_DECIMAL = 2, 2
# What making constants simple may cost of the error on other rows.
_CHANCE = 1.02


@dataclass
class Contest:
    """The candidates for y in the rows of x; `fitting` and `ranking` are the rows that each takes."""

    names: Sequence[str]
    x: Float[Tensor, "columns n"]
    y: Float[Tensor, " n"]
    fitting: Tensor
    ranking: Tensor
    precision: float
    found: list[Candidate] = field(default_factory=list)
    _polished: set[Any] = field(default_factory=set)
    _noise: dict[Any, bool] = field(default_factory=dict)
    _best: Any = None
    _calm: int = 0

    @property
    def rounding(self) -> float:
        """Relative error that the precision of the data leaves."""
        return max(EXACT, 20 * self.precision)

    @property
    def exact(self) -> bool:
        """Whether a formula gives the data to rounding."""
        return any(candidate.exact for candidate in self.found)

    @property
    def noisy(self) -> bool:
        """Whether a formula leaves nothing but noise."""
        return any(self._noise.values())

    @property
    def table(self) -> Pareto:
        """The front."""
        return Pareto.of(self.found, len(self.ranking), self.rounding)

    def take(self, formula: Any, way: str) -> bool:
        """Rank a formula, as it is and with exact numbers; whether it is exact and has no decimals."""
        # In single precision 1/4 comes as 0.24999999: what the data cannot tell apart is written short.
        short = with_exact_numbers(formula, max(1e-9, 10 * self.precision))
        taken = [self._ranked(formula, way)]
        if short != formula and (short_one := self._ranked(short, way)) is not None and short_one.exact:
            taken.append(short_one)
        kept = [candidate for candidate in taken if candidate is not None]
        self.found.extend(kept)
        decimal = need("sympy", extra="pykan").Float
        return any(c.exact and not c.expression.atoms(decimal) for c in kept)

    def settled(self, tried: bool) -> bool:
        """After a stage: whether the best formula leaves noise alone, and the last stages gave none that is better.

        A stage that has `tried` gave some.
        """
        for candidate in self._leading():
            self._polish(candidate)
        best = self.table.best.expression
        if best != self._best:
            self._best, self._calm = best, 0
        elif tried:
            self._calm += 1
        if best not in self._noise:
            rest = self.y[self.fitting] - self.values(best, self.fitting)
            self._noise[best] = is_noise(self.x[:, self.fitting], rest)
        decimals = len(best.atoms(need("sympy", extra="pykan").Float))
        return self._noise[best] and self._calm >= _CONFIRMED + _BY_DECIMAL * (decimals if decimals > 1 else 0)

    def values(self, expression: Any, rows: Tensor) -> Float[Tensor, " rows"]:
        """A formula's values."""
        return evaluate(expression, dict(zip(self.names, self.x[:, rows], strict=True))) + self.y.new_zeros(len(rows))

    def snapped(self, expression: Any, rows: Tensor) -> Snapped | None:
        """Constants fitted to rows and made simple where these allow it; None where the formula is not real there."""
        symbols = [need("sympy", extra="pykan").Symbol(name) for name in self.names]
        try:
            return snap(expression, symbols, self.x[:, rows].T, self.y[rows])
        except InputError:
            return None

    def _leading(self) -> list[Candidate]:
        """The best of the front that are not polished yet."""
        found, leading = list(self.found), list[Candidate]()
        while found and len(leading) < _POLISHED:
            best = Pareto.of(found, len(self.ranking), self.rounding).best
            found.remove(best)
            leading.append(best)
        return [candidate for candidate in leading if candidate.expression not in self._polished]

    def _polish(self, candidate: Candidate) -> None:
        self._polished.add(candidate.expression)
        made = self.snapped(candidate.expression, self.fitting)
        polished = None if made is None else self._ranked(made.expression, candidate.way)
        if polished is None:
            return
        self._polished.add(polished.expression)
        if polished.error < _CHANCE * candidate.error:
            self.found.remove(candidate)
        self.found.append(polished)

    def _ranked(self, expression: Any, way: str) -> Candidate | None:
        sympy = need("sympy", extra="pykan")
        if expression.has(sympy.nan, sympy.zoo, sympy.oo, sympy.I):
            return None
        truth = self.y[self.ranking]
        error = float((self.values(expression, self.ranking) - truth).square().mean().sqrt() / truth.std())
        return Candidate(expression, complexity_of(expression), error, way, self.rounding) if error < 1 else None
