"""Any method that compares with a point, averaged over a background of such points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.methods.around import Around
from ascribe.methods.repeated import repeated, times_together


@final
@dataclass(frozen=True)
class Expected(Around):
    r"""$E_b\,A(z, b)$ for a method A and the rows b of a background: `Expected(IntegratedGradients())`,
    `Expected(Conductance())`. Complete where A is.

    Over the whole background, whose errors are those of A and independent of one another; or over `draws` of its rows,
    drawn without replacement and the same for all rows of z, with the standard error of such a sample. A few draws of
    a method that is linear in its paths cost less as `ExpectedGradients`.

    Raises MethodError for what compares with no point.

    Source: Erion et al. (2021), "Improving performance of deep learning models with axiomatic attribution priors";
    Cochran (1977), "Sampling techniques", 2.6, for samples from few.
    """

    draws: int | None = None
    seed: int = 0

    reference: ClassVar[str] = "background"  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]

    def __post_init__(self) -> None:
        if not isinstance(self.inner, Method) or self.inner.reference != "point":  # pyright: ignore[reportUnnecessaryIsInstance] - users may pass a class
            raise MethodError(
                f"inner={self.inner!r}; pass a method that compares with a point, such as "
                "Expected(IntegratedGradients())"
            )
        if self.draws is not None and self.draws < 2:
            raise MethodError(f"draws={self.draws}; pass draws >= 2, or None for the whole background")

    @property
    def name(self) -> str:
        """The inner method's, expected."""
        return f"Expected {self.inner.name}"

    @property
    def laws(self) -> frozenset[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.laws

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "background any *shape"]
    ) -> Estimate:
        size = len(z0)
        which = torch.arange(size)
        if self.draws is not None and self.draws < size:
            which = torch.randperm(size, generator=torch.Generator().manual_seed(self.seed))[: self.draws]
        together = 1 if self.batchwise else times_together(f, z, len(which))
        total = square = own = torch.zeros((), dtype=torch.float64, device=z.device)
        first: Tensor | None = None
        for some in which.to(z.device).split(together):
            times = len(some)
            references = z0[some].expand(times, len(z), *z.shape[1:]).flatten(0, 1)
            found = self.inner(repeated(f, times), z.repeat(times, *[1] * (z.ndim - 1)), references)
            found = found if isinstance(found, Estimate) else Estimate(found, None)
            values = found.values.unflatten(0, (times, len(z))).double()
            # About the first draw, so that little cancels.
            first = values[0] if first is None else first
            total, square = total + (values - first).sum(0), square + (values - first).square().sum(0)
            if found.error is not None:
                own = own + found.error.unflatten(0, (times, len(z))).double().square().sum(0)
        assert first is not None
        count = len(which)
        mean = first + total / count
        variance = (square - total.square() / count).clamp_min(0) / max(count - 1, 1)
        # Nothing is left to chance where the whole background is there.
        error = (own / count**2 + variance / count * (1 - count / size)).sqrt().expand(mean.shape)
        return Estimate(mean.to(z.dtype), error.to(z.dtype))
