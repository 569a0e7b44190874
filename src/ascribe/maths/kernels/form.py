"""What a form of the spline operation offers, whether in plain torch, compiled for the CPU, or in Triton."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.weights import Weights


class Moments(NamedTuple):
    """Mean and covariance (unbiased; 0 below two rows) of the terms of every input over the rows, in float64."""

    mean: Float[Tensor, "inputs terms"]
    covariance: Float[Tensor, "inputs terms terms"]


@runtime_checkable
class Form(Protocol):
    """The operation on tensors without gradients, of any strides; `plain` says what each function computes."""

    def design(self, x: Tensor, basis: Basis, derivative: int = 0) -> Tensor: ...

    def forward(
        self,
        x: Tensor,
        basis: Basis,
        weights: Weights,
        moments: bool = False,
        *,
        y: Tensor | None = None,
        into: Moments | None = None,
    ) -> tuple[Tensor, Moments | None]: ...

    def spreads(
        self, weights: Weights, moments: Moments, smoothing: float = 0.0, *, out: Tensor | None = None
    ) -> Tensor: ...

    def deviations(self, x: Tensor) -> tuple[Tensor, Tensor]: ...

    def backward(
        self,
        gy: Tensor,
        x: Tensor,
        basis: Basis,
        weights: Weights,
        pull: Tensor | None = None,
        moments: Moments | None = None,
        *,
        drift: Tensor | None = None,
        centre: Tensor | None = None,
        to_x: bool = True,
        to_weights: bool = True,
        into: tuple[Tensor | None, Weights | None] = (None, None),
    ) -> tuple[Tensor | None, Weights | None]: ...
