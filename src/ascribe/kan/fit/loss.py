"""What the outputs are compared by: value, gradient, and a factor of the curvature in the outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.errors import TrainingError


@runtime_checkable
class Loss(Protocol):
    """Outputs are laid out (outputs, n); means are over rows, and over outputs where the outputs are many numbers."""

    classifies: bool
    exact_curvature: bool

    def __call__(self, output: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """The loss and its gradient in the outputs."""
        ...

    def factor(self, output: Tensor, probe: Tensor) -> Tensor:
        """L z for a row's z (outputs, 1): n times the Hessian of the loss in a row's outputs is L L^T."""
        ...

    def report(self, loss: float) -> float:
        """The number that people read."""
        ...


@final
@dataclass(frozen=True)
class SquaredError:
    """The mean squared error; people read its root."""

    classifies = False
    exact_curvature = True

    def __call__(
        self, output: Float[Tensor, "outputs n"], label: Float[Tensor, "outputs n"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "outputs n"]]:
        difference = output - label
        return difference.square().mean(), difference * (2 / max(1, difference.numel()))

    def factor(
        self, output: Float[Tensor, "outputs n"], probe: Float[Tensor, "outputs 1"]
    ) -> Float[Tensor, "outputs n"]:
        return probe.expand_as(output) * math.sqrt(2 / len(output))

    def report(self, loss: float) -> float:
        return math.sqrt(loss) if loss >= 0 else math.nan


@final
@dataclass(frozen=True)
class CrossEntropy:
    """The mean cross-entropy of integer labels, in nats."""

    classifies = True
    exact_curvature = True

    def __call__(
        self, output: Float[Tensor, "outputs n"], label: Tensor
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "outputs n"]]:
        logs = torch.log_softmax(output, 0)
        picked = logs.gather(0, label[None])
        gradient = logs.exp().scatter_add_(0, label[None], torch.full_like(picked, -1.0))
        return -picked.mean(), gradient / max(1, len(label))

    def factor(
        self, output: Float[Tensor, "outputs n"], probe: Float[Tensor, "outputs 1"]
    ) -> Float[Tensor, "outputs n"]:
        # diag(p) - p p^T = sum_o p_o (e_o - p) (e_o - p)^T
        p = torch.softmax(output, 0)
        root = p.sqrt() * probe
        return root - p * root.sum(0)

    def report(self, loss: float) -> float:
        return loss


@final
@dataclass(frozen=True)
class AnyLoss:
    """A function of (outputs, labels), rows first as in torch; its curvature is taken for that of squared errors."""

    function: Callable[[Tensor, Tensor], Tensor]
    classifies = False
    exact_curvature = False

    def __call__(self, output: Float[Tensor, "outputs n"], label: Tensor) -> tuple[Tensor, Tensor]:
        leaf = output.detach().T.contiguous().requires_grad_()
        with torch.enable_grad():
            value = self.function(leaf, label if label.ndim == 1 else label.T)
        if value.numel() != 1:
            raise TrainingError(f"loss_fn returned a tensor of shape {tuple(value.shape)}; it must return one number.")
        (gradient,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach().reshape(()), gradient.T

    def factor(
        self, output: Float[Tensor, "outputs n"], probe: Float[Tensor, "outputs 1"]
    ) -> Float[Tensor, "outputs n"]:
        return probe.expand_as(output) * math.sqrt(2 / len(output))

    def report(self, loss: float) -> float:
        return loss


_NAMED: dict[str, Loss] = {"mse": SquaredError(), "cross_entropy": CrossEntropy()}


def loss_named(loss: str | Callable[[Tensor, Tensor], Tensor] | None) -> Loss:
    """The loss that a user means: None (squared error), a name, or any function of (outputs, labels).

    Raises TrainingError for an unknown name.

    >>> loss_named("cross_entropy")
    CrossEntropy()
    """
    if loss is None or type(loss) is nn.MSELoss:
        return SquaredError()
    if isinstance(loss, str):
        if loss.lower() not in _NAMED:
            raise TrainingError(
                f"loss_fn={loss!r} is not known; pass 'mse', 'cross_entropy' or a function (output, label)."
            )
        return _NAMED[loss.lower()]
    if isinstance(loss, nn.CrossEntropyLoss) and loss.weight is None and not loss.label_smoothing:
        return CrossEntropy()
    return AnyLoss(loss)
