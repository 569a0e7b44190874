"""What the edges of a layer are sums of: a base function, and the B-splines of every input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

Extrapolate = Literal["linear", "zero"]


@dataclass(frozen=True)
class Basis:
    r"""Term 0 of input i is the base function $b(x)$, term m its B-spline $B_{i,m-1}(x)$ of degree `order`.

    Outside its grid a spline goes on as a straight line ("linear") or fades out over the knots beyond ("zero").
    """

    knots: Float[Tensor, "inputs knots"]
    order: int
    base: str = "silu"
    extrapolate: Extrapolate = "linear"

    @property
    def bases(self) -> int:
        return self.knots.shape[1] - self.order - 1

    @property
    def terms(self) -> int:
        return self.bases + 1
