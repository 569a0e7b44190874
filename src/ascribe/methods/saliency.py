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
    r"""$\nabla f(z)$: how fast the score moves with each entry; one backward pass.

    Source: Simonyan, Vedaldi & Zisserman (2013), "Deep inside convolutional networks".
    """

    laws: ClassVar[frozenset[str]] = frozenset({"dummy", "linear", "implementation_invariant"})
    reference: ClassVar[str] = "nothing"
    gradients: ClassVar[bool] = True

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *shape"]:
        return gradient(f, z)
