"""Gradients at random points between a row and a background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from ascribe.core.evaluate import differentiate, reference_values, sweep, values
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.paths import column
from ascribe.methods.noise import Deviation, checked_deviation, checked_until, deviation, is_settled, rounds


@final
@dataclass(frozen=True)
class ExpectedGradients(Method):
    r"""$E_{b,u}\,(z - b)\odot\nabla f(b + u(z - b))$ for background rows b and uniform u: mean integrated gradients.

    `draws` evaluations a row, spread evenly over background and path, the same for all rows. The mean of a draw's sum
    is known, $f(z) - E f(b)$; what the draws miss of it corrects every entry by its regression on the sum. So the
    result is complete; its standard error counts the draws as independent and errs on the large side. Fewer than four
    draws are not corrected, and one has no standard error.

    `until`: go on, in rounds that double the draws, until a row's largest standard error is at most this part of its
    largest value, or there were `limit` draws. `local`: the mean gradient, without the factor $z - b$.
    `noise`: the standard deviation of Gaussian noise on z, a number or one for each input or entry; the mean of the
    sums is then not known and nothing is corrected (Captum's GradientShap).

    Source: Erion et al. (2021), "Improving performance of deep learning models with axiomatic attribution priors".
    """

    draws: int = 128
    noise: Deviation = 0.0
    seed: int = 0
    local: bool = False
    until: float | None = None
    limit: int = 2**15

    reference: ClassVar[str] = "background"
    gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise MethodError(f"draws={self.draws}; pass draws >= 1")
        checked_deviation(self.noise, "noise")
        checked_until(self.until, self.draws, self.limit)

    @property
    def noisy(self) -> bool:
        """Whether there is noise on z."""
        return any(self.noise) if isinstance(self.noise, tuple) else self.noise > 0

    @property
    def laws(self) -> frozenset[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Mean gradients add up to nothing, and with noise or few draws the sum is not met."""
        laws = {"dummy", "linear", "implementation_invariant"}
        laws |= set() if self.local else {"affine"}
        return frozenset(laws if self.local or self.noisy or self.draws < 4 else laws | {"complete"})

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "background any *shape"]
    ) -> Estimate:
        generator = torch.Generator().manual_seed(self.seed)
        tally = _Tally.of(z, (values(f, z) - reference_values(f, z0)).double())
        found, error = torch.empty_like(z), torch.empty_like(z)
        for count in rounds(self.draws, self.until, self.limit):
            which, u, noise = self._plan(f, z, len(z0), count - len(tally.totals), generator)
            self._gather(f, z, z0, tally, (which, u, noise))
            part = tally.estimate(corrected=not self.noisy)
            found[tally.rows] = part.values.to(z.dtype)
            if part.error is not None:
                error[tally.rows] = part.error.to(z.dtype)
            tally = tally.without(is_settled(part, self.until))
            if len(tally.rows) == 0:
                break
        return Estimate(found, error if self.draws > 1 else None)

    def _gather(
        self,
        f: Score,
        z: Float[Tensor, "rows *shape"],
        z0: Float[Tensor, "background any *shape"],
        tally: _Tally,
        plan: tuple[Int[Tensor, " draws"], Float[Tensor, " draws"], Float[Tensor, "draws ..."] | None],
    ) -> None:
        """Draw for all rows that are left."""
        which, u, noise = plan
        left = len(tally.rows)
        totals = torch.empty(len(which), left, dtype=torch.float64, device=z.device)

        def work(index: Int[Tensor, " piece"]) -> None:
            draw, place = index // left, index % left
            row = tally.rows[place]
            base = z0[which[draw], row if z0.shape[1] > 1 else torch.zeros_like(row)]
            away = z[row] - base if noise is None else z[row] + noise[draw] - base
            slope = differentiate(f, base + column(u[draw], z) * away, row)[1]
            terms = away * slope
            totals.view(-1)[index] = terms.double().flatten(1).sum(1)
            tally.add(place, slope if self.local else terms, totals.view(-1)[index])

        sweep(f, totals.numel(), work, gradients=True)
        tally.totals = torch.cat([tally.totals, totals])

    def _plan(
        self, f: Score, z: Float[Tensor, "rows *shape"], background: int, draws: int, generator: torch.Generator
    ) -> tuple[Int[Tensor, " draws"], Float[Tensor, " draws"], Float[Tensor, "draws ..."] | None]:
        """A background row, a place on the path and noise for every draw: shuffled rows, one place in every stratum."""
        passes = -(-draws // background)
        which = torch.cat([torch.randperm(background, generator=generator) for _ in range(passes)])[:draws]
        strata = torch.randperm(draws, generator=generator) + torch.rand(draws, generator=generator)
        noise = None
        if self.noisy:
            normal = torch.randn(draws, *z.shape[1:], generator=generator, dtype=torch.float64)
            noise = deviation(f, z, self.noise, "noise") * normal.to(z)
        return which.to(z.device), (strata / draws).to(z), noise


@dataclass
class _Tally:
    """Sums over the draws of the rows that are left, in float64; `totals` are the draws' sums over the entries."""

    rows: Int[Tensor, " left"]
    known: Float64[Tensor, " left"]
    totals: Float64[Tensor, "draws left"]
    plain: Float64[Tensor, "left *shape"]
    square: Float64[Tensor, "left *shape"]
    mixed: Float64[Tensor, "left *shape"]

    @classmethod
    def of(cls, z: Float[Tensor, "rows *shape"], known: Float64[Tensor, " rows"]) -> _Tally:
        zeros = torch.zeros_like(z, dtype=torch.float64)
        rows = torch.arange(len(z), device=z.device)
        return cls(rows, known, known.new_empty(0, len(z)), zeros, zeros.clone(), zeros.clone())

    def add(self, place: Int[Tensor, " n"], q: Float[Tensor, "n *shape"], totals: Float64[Tensor, " n"]) -> None:
        q = q.double()
        self.plain.index_add_(0, place, q)
        self.square.index_add_(0, place, q.square())
        self.mixed.index_add_(0, place, q * column(totals - self.known[place], q))

    def without(self, settled: Tensor) -> _Tally:
        keep = ~settled
        if bool(keep.all()):
            return self
        plain, square, mixed = (part[keep] for part in (self.plain, self.square, self.mixed))
        return _Tally(self.rows[keep], self.known[keep], self.totals[:, keep], plain, square, mixed)

    def estimate(self, corrected: bool) -> Estimate:
        """Means and standard errors; corrected by what the draws' sums miss of the known one."""
        draws = len(self.totals)
        mean = self.plain / draws
        if draws == 1:
            return Estimate(mean, None)
        spread = (self.square - draws * mean.square()).clamp_min(0)
        offsets = self.totals - self.known
        offset = offsets.mean(0)
        wide = (offsets - offset).square().sum(0)
        freedom = draws - 1
        # Beyond five standard errors the sum does not vary but by rounding, and says nothing about the entries.
        believed = (draws**2 * offset.square() <= 25 * wide) & (wide > 0)
        if corrected and draws >= 4 and bool(believed.any()):
            slope = (self.mixed - draws * mean * column(offset, mean)) * column(
                torch.where(believed, 1 / wide, 0.0), mean
            )
            mean = mean - slope * column(offset, mean)
            spread = (spread - slope.square() * column(wide, mean)).clamp_min(0)
            freedom -= 1
        return Estimate(mean, (spread / freedom / draws).sqrt())
