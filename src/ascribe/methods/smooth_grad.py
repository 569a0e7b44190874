"""Any method, averaged over noise on the input."""

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
class SmoothGrad(Noisy):
    r"""$E_\epsilon\,A(z + \epsilon)$ with $\epsilon \sim N(0, \sigma^2)$ for a method A, and its standard error.

    The knobs are those of `Noisy`.

    Source: Smilkov et al. (2017), "SmoothGrad: removing noise by adding noise".
    """

    keeps: ClassVar[frozenset[str]] = frozenset({"dummy", "linear", "implementation_invariant"})

    @property
    def name(self) -> str:
        """The inner method's, smoothed."""
        return f"SmoothGrad {self.inner.name}"

    def sample(self, values: Float[Tensor, "rows *form"]) -> Float[Tensor, "rows *form"]:
        """The values themselves."""
        return values

    def summary(self, moments: Moments) -> Estimate:
        """Their mean."""
        return Estimate(moments.mean, moments.mean_error() if moments.count > 1 else None)
