"""The first-order change from the baseline."""

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
class InputXGradient(Method):
    r"""$(z - z_0)\odot\nabla f(z)$: one backward pass; complete only where $f$ is affine.

    Source: Shrikumar, Greenside & Kundaje (2016), "Not just a black box".
    """

    laws: ClassVar[frozenset[str]] = frozenset({"dummy", "linear", "affine", "implementation_invariant"})
    gradients: ClassVar[bool] = True

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *shape"]:
        return (z - z0) * gradient(f, z)
