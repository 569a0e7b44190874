"""Gradients at random points between a row and a background."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import differentiate, reference_values, sweep, values
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.paths import column


@final
@dataclass(frozen=True)
class ExpectedGradients(Method):
    r"""$E_{b,u}\,(z - b)\odot\nabla f(b + u(z - b))$ for background rows b and uniform u: mean integrated gradients.

    `draws` evaluations a row, spread evenly over background and path, the same for all rows. The mean of a draw's sum
    is known, $f(z) - E f(b)$; what the draws miss of it corrects every entry by its regression on the sum. So the
    result is complete; its standard error counts the draws as independent and errs on the large side. With `noise`, the
    standard deviation of Gaussian noise on z, that mean is not known and nothing is corrected (Captum's GradientShap).

    Source: Erion et al. (2021), "Improving performance of deep learning models with axiomatic attribution priors".
    """

    draws: int = 128
    noise: float = 0.0
    seed: int = 0

    laws: ClassVar[frozenset[str]] = frozenset({"complete", "dummy", "linear", "affine", "implementation_invariant"})
    reference: ClassVar[str] = "background"

    def __post_init__(self) -> None:
        if self.draws < 4 or not 0 <= self.noise < math.inf:
            raise MethodError(f"draws={self.draws} and noise={self.noise}; pass draws >= 4 and noise >= 0")

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "background any *shape"]
    ) -> Estimate:
        which, u, noise = self._plan(z, len(z0))
        sums = torch.zeros(self.draws, len(z), dtype=torch.float64, device=z.device)
        mean, square, mixed = (torch.zeros_like(z, dtype=torch.float64) for _ in range(3))
        known = (values(f, z) - reference_values(f, z0)).double()

        def work(index: Int[Tensor, " piece"]) -> None:
            draw, row = index // len(z), index % len(z)
            base = z0[which[draw], row if z0.shape[1] > 1 else torch.zeros_like(row)]
            away = z[row] + noise[draw] - base
            q = (away * differentiate(f, base + column(u[draw], z) * away, row)[1]).double()
            total = q.flatten(1).sum(1)
            sums[draw, row] = total
            mean.index_add_(0, row, q / self.draws)
            square.index_add_(0, row, q.square())
            mixed.index_add_(0, row, q * column(total - known[row], q))

        sweep(f, self.draws * len(z), work, gradients=True)
        spread = (square - self.draws * mean.square()).clamp_min(0)
        offsets = sums - known
        offset = offsets.mean(0)
        deviation = (offsets - offset).square().sum(0)
        freedom = self.draws - 1
        # Beyond five standard errors the sum does not vary but by rounding, and says nothing about the entries.
        if self.noise == 0 and bool((believed := self.draws**2 * offset.square() <= 25 * deviation).any()):
            slope = (mixed - self.draws * mean * column(offset, z)) * column(
                torch.where(believed & (deviation > 0), 1 / deviation, 0.0), z
            )
            mean = mean - slope * column(offset, z)
            spread = (spread - slope.square() * column(deviation, z)).clamp_min(0)
            freedom -= 1
        return Estimate(mean.to(z.dtype), (spread / freedom / self.draws).sqrt().to(z.dtype))

    def _plan(
        self, z: Float[Tensor, "rows *shape"], background: int
    ) -> tuple[Int[Tensor, " draws"], Float[Tensor, " draws"], Float[Tensor, "draws ..."]]:
        """A background row, a place on the path and noise for every draw: shuffled rows, one place in every stratum."""
        generator = torch.Generator().manual_seed(self.seed)
        passes = -(-self.draws // background)
        which = torch.cat([torch.randperm(background, generator=generator) for _ in range(passes)])[: self.draws]
        strata = torch.randperm(self.draws, generator=generator) + torch.rand(self.draws, generator=generator)
        noise = torch.zeros(self.draws, *[1] * (z.ndim - 1), dtype=torch.float64)
        if self.noise > 0:
            shape = (self.draws, *z.shape[1:])
            noise = self.noise * torch.randn(shape, generator=generator, dtype=torch.float64)
        return which.to(z.device), (strata / self.draws).to(z), noise.to(z)
