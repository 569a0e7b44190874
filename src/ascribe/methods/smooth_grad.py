"""Any method, averaged over noise on the input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import MethodError


@final
@dataclass(frozen=True)
class SmoothGrad(Method):
    r"""$E_\epsilon\,A(z + \epsilon)$ with $\epsilon \sim N(0, \sigma^2)$ for a method A; the error is a standard error.

    `sigma` is in the units of z. All rows meet the same noise, so that a row's result does not depend on the others.
    Costs `draws` runs of the inner method.

    Source: Smilkov et al. (2017), "SmoothGrad: removing noise by adding noise".
    """

    inner: Method
    sigma: float = 0.1
    draws: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.inner, Method):  # pyright: ignore[reportUnnecessaryIsInstance] - users may pass a class
            raise MethodError(f"inner={self.inner!r}; pass a method with its knobs, such as SmoothGrad(Saliency())")
        if self.draws < 2 or not 0 <= self.sigma < math.inf:
            raise MethodError(f"draws={self.draws} and sigma={self.sigma}; pass draws >= 2 and sigma >= 0")

    @property
    def name(self) -> str:
        """The inner method's, smoothed."""
        return f"SmoothGrad {self.inner.name}"

    @property
    def laws(self) -> frozenset[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """What noise leaves of the inner method's laws."""
        return self.inner.laws & {"dummy", "linear", "implementation_invariant"}

    @property
    def reference(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.reference

    @property
    def space(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.space

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]) -> Estimate:
        generator = torch.Generator().manual_seed(self.seed)
        mean = square = torch.zeros((), dtype=z.dtype, device=z.device)
        for draw in range(1, self.draws + 1):
            noise = torch.randn(z[:1].shape, generator=generator, dtype=z.dtype).to(z.device)
            found = self.inner(f, z + self.sigma * noise, z0)
            value = found.values if isinstance(found, Estimate) else found
            # Welford's running mean and sum of squares: one draw at a time, nothing cancels.
            step = value - mean
            mean = mean + step / draw
            square = square + step * (value - mean)
        return Estimate(mean, (square / (self.draws - 1) / self.draws).sqrt())
