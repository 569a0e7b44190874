"""The variance of any method over noise on the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Estimate
from ascribe.errors import MethodError
from ascribe.maths.moments import Moments
from ascribe.methods.noise import Noisy


@final
@dataclass(frozen=True)
class VarGrad(Noisy):
    r"""$\mathrm{Var}_\epsilon\,A(z + \epsilon)$ with $\epsilon \sim N(0, \sigma^2)$ for a method A.

    `unbiased` divides the sum of squares about the mean by n - 1 draws, elsewhere by n: the mean square less the
    square of the mean, as Captum has it. The error is the standard error of the variance, from the fourth moment; few
    draws know little about it. The other knobs are those of `Noisy`.

    Source: Adebayo et al. (2018), "Sanity checks for saliency maps".
    """

    unbiased: bool = True

    keeps: ClassVar[frozenset[str]] = frozenset({"dummy", "implementation_invariant"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.unbiased and self.draws < 2:
            raise MethodError("draws=1 has no variance; pass draws >= 2, or unbiased=False for 0")

    @property
    def name(self) -> str:
        """The inner method's variance."""
        return f"VarGrad {self.inner.name}"

    def sample(self, values: Float[Tensor, "rows *form"]) -> Float[Tensor, "rows *form"]:
        """The values themselves."""
        return values

    def summary(self, moments: Moments) -> Estimate:
        """Their variance."""
        error = moments.variance_error() if moments.count > 1 else None
        return Estimate(moments.variance(self.unbiased), error)
