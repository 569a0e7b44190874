"""The mean square of any method over noise on the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Estimate
from ascribe.maths.moments import Moments
from ascribe.methods.noise import Noisy


@final
@dataclass(frozen=True)
class SmoothGradSquared(Noisy):
    r"""$E_\epsilon\,A(z + \epsilon)^2$ with $\epsilon \sim N(0, \sigma^2)$ for a method A, and its standard error.

    It is `VarGrad` and the square of `SmoothGrad` together. The knobs are those of `Noisy`.

    Source: Hooker et al. (2019), "A benchmark for interpretability methods in deep neural networks".
    """

    keeps: ClassVar[frozenset[str]] = frozenset({"dummy", "implementation_invariant"})

    @property
    def name(self) -> str:
        """The inner method's, squared and smoothed."""
        return f"SmoothGradSquared {self.inner.name}"

    def sample(self, values: Float[Tensor, "rows *form"]) -> Float[Tensor, "rows *form"]:
        """Their squares."""
        return values.square()

    def summary(self, moments: Moments) -> Estimate:
        """Their mean."""
        return Estimate(moments.mean, moments.mean_error() if moments.count > 1 else None)
