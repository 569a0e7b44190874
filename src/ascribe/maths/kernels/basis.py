"""What the edges of a layer are sums of: a base function, and the functions of a family at every input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

Extrapolate = Literal["linear", "zero"]
Recipe = tuple[int, str, Extrapolate, str]


@dataclass(frozen=True)
class Basis:
    r"""Term 0 of input i is the base function $b(x)$, term m its B-spline $B_{i,m-1}(x)$ of degree `order`.

    Outside its grid a spline goes on as a straight line ("linear") or fades out over the knots beyond ("zero").
    With another `family` the terms are as many functions of that family, over the range of the grid.
    """

    knots: Float[Tensor, "inputs knots"]
    order: int
    base: str = "silu"
    extrapolate: Extrapolate = "linear"
    family: str = "bspline"

    @property
    def bases(self) -> int:
        return self.knots.shape[1] - self.order - 1

    @property
    def terms(self) -> int:
        return self.bases + 1

    @property
    def range(self) -> tuple[Float[Tensor, " inputs"], Float[Tensor, " inputs"]]:
        """The ends of every input's grid."""
        return self.knots[:, self.order], self.knots[:, self.bases]

    @property
    def recipe(self) -> Recipe:
        """All but the knots, as the operations of torch take it."""
        return self.order, self.base, self.extrapolate, self.family
