"""Games of few interactions fitted to sampled pairs of coalitions, and how well they foretell a coalition's worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from ascribe.maths.signs import elementary

# How much interactions of each order vary, all together, in units of what is left unexplained. The best one is taken.
ODD = ({3: 0.0}, {3: 1.0}, {3: 10.0})
EVEN = ({2: 1.0, 4: 0.0}, {2: 10.0, 4: 1.0}, {2: 100.0, 4: 10.0})

_FITTED = 1024  # units that are fitted, all others are foretold: inverting takes the cube of it, a tenth of a second
_TOGETHER = 2**22  # entries of a kernel matrix that are held together


@final
@dataclass(frozen=True)
class Fit:
    r"""The surrogates of every row, $\sum_i \beta_i h_i(x) + \sum_{d, u} a_{du}\,e_d(\langle x_u, x\rangle)$."""

    trend: Float64[Tensor, "trends rows"]
    amplitudes: dict[int, Float64[Tensor, "fitted rows"]]
    residual: Float64[Tensor, "units rows"]
    left_out: Float64[Tensor, "units rows"]  # what would have been missed, had the unit not been fitted


@final
@dataclass(frozen=True)
class Surrogate:
    r"""Kriging of odd or even functions of coalitions, written as signs $x \in \{-1, 1\}^n$.

    An odd function, such as $v(S) - v(N \setminus S)$, is a linear trend and interactions of three players; an even
    one, such as $v(S) + v(N \setminus S)$, a constant and interactions of two and of four. The trend is free; the
    interactions of one order are all alike beforehand, so that their kernel is $e_d(\langle x, x'\rangle)$ and needs no
    column for any of them. How strong they are each row says for itself: it takes those strengths that foretell best
    each of its units, weighted, from all the others.

    Costs the cube of the number of units, at most 1,024 of which are fitted, for each choice of strengths, once for all
    rows.

    Source: Rasmussen & Williams (2006), "Gaussian processes for machine learning", 2.7 and 5.4.2; for games, Witter,
    Liu & Musco (2025), "Regression-adjusted Monte Carlo estimators for Shapley values and probabilistic values".
    """

    present: Bool[Tensor, "units players"]
    strengths: tuple[dict[int, float], ...]

    @property
    def fitted(self) -> Int[Tensor, " fitted"]:
        """The units that are fitted: all, or evenly from the first to the last."""
        units = len(self.present)
        return torch.arange(units) if units <= _FITTED else torch.linspace(0, units - 1, _FITTED).round().long()

    def fit(self, values: Float64[Tensor, "units rows"], weight: Float64[Tensor, " units"]) -> Fit:
        """Fit every row; `weight` is how much the square of what is missed at each unit matters."""
        fitted, seen = self.fitted, values[self.fitted]
        best: Fit | None = None
        least = torch.full((values.shape[1],), math.inf, dtype=torch.float64)
        for strengths, solver in zip(self.strengths, self._solvers, strict=True):
            left = solver.annihilator @ seen
            left_out = left / solver.annihilator.diagonal().clamp(min=1e-9)[:, None]
            loss = weight[fitted] @ left_out.square()
            amplitudes = {d: left * (s / math.comb(self.players, d)) for d, s in strengths.items() if self._has(d)}
            better = loss < least
            if best is None:
                best, least = Fit(solver.slopes @ seen, amplitudes, left, left_out), loss
            elif bool(better.any()):
                best = Fit(
                    torch.where(better, solver.slopes @ seen, best.trend),
                    {d: torch.where(better, found, best.amplitudes[d]) for d, found in amplitudes.items()},
                    torch.where(better, left, best.residual),
                    torch.where(better, left_out, best.left_out),
                )
                least = torch.minimum(least, loss)
        assert best is not None
        return best if len(fitted) == len(values) else self._foretold(best, values)

    @property
    def players(self) -> int:
        return self.present.shape[1]

    def signs(self, units: Int[Tensor, " some"] | slice) -> Float64[Tensor, "some players"]:
        """These units as signs: 1 for the present, -1 for the absent."""
        return self.present[units].double() * 2 - 1

    @property
    def _odd(self) -> bool:
        return all(degree % 2 for degree in self.strengths[0])

    def _has(self, degree: int) -> bool:
        return degree <= self.players

    def _trends(self, signs: Float64[Tensor, "m players"]) -> Float64[Tensor, "m trends"]:
        return signs if self._odd else torch.ones_like(signs[:, :1])

    @cached_property
    def _solvers(self) -> list[_Solver]:
        signs = self.signs(self.fitted)
        alike, trends = signs @ signs.T, self._trends(signs)
        kernels = {
            degree: elementary(self.players, alike, degree) / math.comb(self.players, degree)
            for degree in self.strengths[0]
            if self._has(degree)
        }
        return [_solver([kernel * s[d] for d, kernel in kernels.items() if s[d] > 0], trends) for s in self.strengths]

    def _foretold(self, fit: Fit, values: Float64[Tensor, "units rows"]) -> Fit:
        """With what is missed at the units that were not fitted."""
        residual, left_out, known = torch.empty_like(values), torch.empty_like(values), self.signs(self.fitted)
        step = max(1, _TOGETHER // len(known))
        for first in range(0, len(values), step):
            signs = self.signs(slice(first, first + step))
            alike, guess = signs @ known.T, self._trends(signs) @ fit.trend
            for degree, amplitude in fit.amplitudes.items():
                guess = guess + elementary(self.players, alike, degree) @ amplitude
            residual[first : first + step] = values[first : first + step] - guess
        left_out.copy_(residual)
        residual[self.fitted], left_out[self.fitted] = fit.residual, fit.left_out
        return Fit(fit.trend, fit.amplitudes, residual, left_out)


@final
@dataclass(frozen=True)
class _Solver:
    """Of the values of all units: the coefficients of the trend, and what is left of them after it and the kernel."""

    slopes: Float64[Tensor, "trends units"]
    annihilator: Float64[Tensor, "units units"]


def _solver(kernels: list[Float64[Tensor, "units units"]], trends: Float64[Tensor, "units trends"]) -> _Solver:
    inverse = covariance = torch.eye(len(trends), dtype=torch.float64)
    if kernels:
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(covariance + sum(kernels[1:], kernels[0])))
    weighted = inverse @ trends
    # Two players who are never apart in the sample share what they add.
    slopes = torch.linalg.pinv(trends.T @ weighted, hermitian=True, rtol=1e-12) @ weighted.T
    return _Solver(slopes, inverse - weighted @ slopes)
