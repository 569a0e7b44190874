"""Indices of games estimated from sampled pairs of coalitions, with standard errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from ascribe.maths.indices import Index
from ascribe.maths.pairings import Pairing
from ascribe.maths.surrogates import EVEN, ODD, Fit, Surrogate

_TOGETHER = 2**21  # entries of what units count that are held together: 16 MiB


@final
@dataclass(frozen=True)
class DifferenceEstimator:
    r"""The index of a surrogate $g$, exactly, and of what it misses, from the sample:
    $I(g) + \sum_S \frac{a_S}{\pi_S} (v(S) - g(S))$, $a_S$ being what S counts and $\pi_S$ its chance to be here.

    Exact where all coalitions are here, or where the surrogate is. The surrogate has seen the sample, so values lean to
    what it expects, less interaction, by a part of their error. Nobody and everybody are known, so the entries sum to
    what the index promises of the whole game. For Shapley values and an additive surrogate it is kernel regression by
    least squares (KernelSHAP).

    The standard error takes what would have been missed at each pair, had it not been fitted, and knows that the pairs
    are drawn without replacement: sizes of which all are here add nothing.

    Source: Särndal, Swensson & Wretman (1992), "Model assisted survey sampling", 6.4-6.6; for games, Witter, Liu and
    Musco (2025), "Regression-adjusted Monte Carlo estimators for Shapley values and probabilistic values".
    """

    index: Index
    pairing: Pairing

    @property
    def coalitions(self) -> Bool[Tensor, "questions players"]:
        return self.pairing.coalitions

    @property
    def draws(self) -> Int[Tensor, " questions"]:
        return self.pairing.draws

    def estimate(
        self, worths: Float64[Tensor, "rows questions"]
    ) -> tuple[Float64[Tensor, "rows *entries"], Float64[Tensor, "rows *entries"]]:
        """Values and standard errors from what all questions are worth."""
        parts = [
            self._part(values, surrogate)
            for values, surrogate in zip(self._halves(worths), self._surrogates, strict=True)
        ]
        missed = torch.cat([self.pairing.missed, torch.zeros(1, dtype=torch.float64)])[:, None]
        values: list[Tensor] = []
        errors: list[Tensor] = []
        for line in self.index.lines():
            value = sum(self._of_surrogate(*pair, line) for pair in zip(parts, self._surrogates, strict=True))
            assert isinstance(value, Tensor)
            variance = torch.zeros_like(value)
            for units in self._pieces():
                counts, here = self._counts(units, line), missed[units]
                for part, count in zip(parts, counts, strict=True):
                    value += part.residual[units].T @ count
                    variance += part.left_out[units].square().T @ (here * count.square())
                if len(parts) == 2:
                    both = parts[0].left_out[units] * parts[1].left_out[units]
                    variance += 2 * both.T @ (here * counts[0] * counts[1])
            values.append(value)
            errors.append(variance.clamp(min=0).sqrt())
        return self.index.assembled(values), self.index.assembled(errors)

    @cached_property
    def _units(self) -> Bool[Tensor, "units players"]:
        """The smaller coalition of each pair, and everybody, whose complement is nobody."""
        return torch.cat([self.pairing.smaller, torch.ones(1, self.index.players, dtype=torch.bool)])

    @cached_property
    def _surrogates(self) -> list[Surrogate]:
        return [Surrogate(self._units, ODD)] + ([] if self.index.pair is None else [Surrogate(self._units, EVEN)])

    def _halves(self, worths: Float64[Tensor, "rows questions"]) -> list[Float64[Tensor, "units rows"]]:
        """What a unit's coalition is worth less its complement, and, for pairs of players, the sum of the two."""
        background, everybody = self.pairing.background, worths[:, self.pairing.background]
        nobody = worths[:, :background].mean(dim=1)
        # A background row that scores high by itself does so, too, for the absent.
        offset = (worths[:, :background] - nobody[:, None])[:, self.pairing.draw]
        part = self.pairing.smaller.sum(dim=1) / self.index.players
        one = torch.cat([worths[:, background + 1 :: 2] - offset * (1 - part), everybody[:, None]], dim=1)
        other = torch.cat([worths[:, background + 2 :: 2] - offset * part, nobody[:, None]], dim=1)
        return [(one - other).T.contiguous()] + ([] if self.index.pair is None else [(one + other).T.contiguous()])

    def _part(self, values: Float64[Tensor, "units rows"], surrogate: Surrogate) -> Fit:
        profile = self.index.profile()[self._units.sum(dim=1)]
        weight = (self._share * profile).square()
        # Sizes of which all are here need no surrogate, but they have something to say where little else is.
        weight[:-1] *= self.pairing.missed + 0.05
        return surrogate.fit(values, weight)

    @cached_property
    def _share(self) -> Float64[Tensor, " units"]:
        return torch.cat([self.pairing.share, torch.ones(1, dtype=torch.float64)])

    def _pieces(self) -> Iterator[slice]:
        """The units, so many at a time that what they count fits."""
        step = max(1, _TOGETHER // self.index.players)
        for first in range(0, len(self._units), step):
            yield slice(first, first + step)

    def _counts(self, units: slice, line: int | None) -> list[Float64[Tensor, "units entries"]]:
        """What the halves of every unit count for the entries of a line."""
        present, share = self._units[units], self._share[units, None] / 2
        one, other = self.index.counts(present, line), self.index.counts(~present, line)
        return [(one - other) * share] + ([] if self.index.pair is None else [(one + other) * share])

    def _of_surrogate(self, fit: Fit, surrogate: Surrogate, line: int | None) -> Float64[Tensor, "rows entries"]:
        """The index of the surrogates; they are twice the games, as the halves are."""
        signs, players = surrogate.signs(surrogate.fitted), self.index.players
        value = torch.zeros((), dtype=torch.float64)
        if len(fit.trend) == players and surrogate.strengths is ODD:
            # Of a single player, the formula is linear in the signs: it gives the matrix at the identity.
            value = value + fit.trend.T @ self.index.monomials(torch.eye(players, dtype=torch.float64), 1, line)
        for degree, amplitude in fit.amplitudes.items():
            value = value + amplitude.T @ self.index.monomials(signs, degree, line)
        return value / 2
