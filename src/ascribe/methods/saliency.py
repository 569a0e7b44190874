"""The gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor

from ascribe.core.evaluate import gradient
from ascribe.core.method import Method
from ascribe.core.score import Score


@final
@dataclass(frozen=True)
class Saliency(Method):
    r"""$\nabla f(z)$, or $|\nabla f(z)|$ with `absolute`: how fast the score moves with each entry; one backward pass.

    Source: Simonyan, Vedaldi & Zisserman (2013).
    """

    absolute: bool = False

    @property
    def laws(self) -> frozenset[str]:
        """An absolute value is not linear in the score."""
        return frozenset({"dummy", "implementation_invariant"} | (set() if self.absolute else {"linear"}))

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *shape"]:
        slope = gradient(f, z)
        return slope.abs() if self.absolute else slope
