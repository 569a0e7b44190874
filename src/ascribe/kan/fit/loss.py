"""What the outputs are compared by: value, gradient, and a factor of the curvature in the outputs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, final, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.errors import TrainingError

# What labels are: numbers, a class a row, zeros and ones, or what a user's own function takes them for.
Kind = Literal["numbers", "classes", "binary", "any"]


@runtime_checkable
class Loss(Protocol):
    """Outputs are laid out (outputs, n); means are over rows, and over outputs where the outputs are many numbers.

    Rows may have weights of mean 1.
    """

    kind: ClassVar[Kind]
    exact_curvature: bool

    def __call__(self, output: Tensor, label: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The loss and its gradient in the outputs."""
        ...

    def factor(self, output: Tensor, probe: Tensor) -> Tensor:
        """L z for a row's z (outputs, 1): n times the Hessian in the outputs of a row of weight 1 is L L^T."""
        ...

    def report(self, loss: float) -> float:
        """The number that people read."""
        ...


@final
@dataclass(frozen=True)
class SquaredError:
    """The mean squared error; people read its root."""

    kind: ClassVar[Kind] = "numbers"
    exact_curvature = True

    def __call__(
        self,
        output: Float[Tensor, "outputs n"],
        label: Float[Tensor, "outputs n"],
        weight: Float[Tensor, " n"] | None = None,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "outputs n"]]:
        difference = output - label
        weighted = difference if weight is None else difference * weight
        return (weighted * difference).mean(), weighted * (2 / max(1, difference.numel()))

    def factor(
        self, output: Float[Tensor, "outputs n"], probe: Float[Tensor, "outputs 1"]
    ) -> Float[Tensor, "outputs n"]:
        return probe.expand_as(output) * math.sqrt(2 / len(output))

    def report(self, loss: float) -> float:
        return math.sqrt(loss) if loss >= 0 else math.nan


@final
@dataclass(frozen=True)
class CrossEntropy:
    """The mean cross-entropy of integer labels, in nats; `smoothing` of a label goes to all classes evenly."""

    smoothing: float = 0.0
    kind: ClassVar[Kind] = "classes"
    exact_curvature = True

    def __call__(
        self, output: Float[Tensor, "outputs n"], label: Tensor, weight: Float[Tensor, " n"] | None = None
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "outputs n"]]:
        logs = torch.log_softmax(output, 0)
        target = torch.full_like(logs, self.smoothing / len(logs))
        target.scatter_add_(0, label[None], torch.full_like(logs[:1], 1 - self.smoothing))
        each, gradient = torch.linalg.vecdot(target, logs, dim=0), logs.exp() - target
        if weight is not None:
            each, gradient = each * weight, gradient * weight
        return -each.mean(), gradient / max(1, len(label))

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
class BinaryCrossEntropy:
    """The mean cross-entropy of labels 0 and 1, in nats; an output is the logarithm of the odds of 1."""

    kind: ClassVar[Kind] = "binary"
    exact_curvature = True

    def __call__(
        self,
        output: Float[Tensor, "outputs n"],
        label: Float[Tensor, "outputs n"],
        weight: Float[Tensor, " n"] | None = None,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "outputs n"]]:
        each = torch.nn.functional.softplus(output) - label * output
        gradient = (torch.sigmoid(output) - label) / max(1, output.numel())
        return (each.mean(), gradient) if weight is None else ((each * weight).mean(), gradient * weight)

    def factor(
        self, output: Float[Tensor, "outputs n"], probe: Float[Tensor, "outputs 1"]
    ) -> Float[Tensor, "outputs n"]:
        p = torch.sigmoid(output)
        return probe * (p * (1 - p) / len(output)).sqrt()

    def report(self, loss: float) -> float:
        return loss


@final
@dataclass
class AnyLoss:
    """A function of (outputs, labels), rows first as in torch; its curvature is taken for that of squared errors.

    One that does not take the dtype of the outputs, as where it holds tensors of another, is called in `own`.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    own: torch.dtype | None = None  # the network's, which its owner wrote it for
    _called_in: torch.dtype | None = field(default=None, init=False)
    kind: ClassVar[Kind] = "any"
    exact_curvature = False

    def __call__(
        self, output: Float[Tensor, "outputs n"], label: Tensor, weight: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        if weight is not None:
            raise TrainingError("a loss_fn of your own cannot be weighted row by row; weigh the rows inside it.")
        if self._called_in is not None:
            return self._at(output, label, self._called_in)
        try:
            found, self._called_in = self._at(output, label, output.dtype), output.dtype
        except RuntimeError:
            if self.own is None or self.own is output.dtype:
                raise
            found, self._called_in = self._at(output, label, self.own), self.own
        return found

    def _at(self, output: Float[Tensor, "outputs n"], label: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        leaf = output.detach().T.to(dtype).contiguous().requires_grad_()
        rows = (label.to(dtype) if label.is_floating_point() else label).movedim(-1, 0)
        with torch.enable_grad():
            value: Any = self.function(leaf, rows)
        if not isinstance(value, Tensor) or value.numel() != 1:
            what = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise TrainingError(f"loss_fn returned {what}; it must return one number, as a tensor.")
        if not value.requires_grad:
            raise TrainingError(
                "loss_fn returned a number that does not depend on the output through torch; write it with torch's"
                " functions, without detach(), item() or numpy."
            )
        (gradient,) = torch.autograd.grad(value, leaf)
        return value.detach().reshape(()), gradient.T.to(output.dtype)

    def factor(
        self, output: Float[Tensor, "outputs n"], probe: Float[Tensor, "outputs 1"]
    ) -> Float[Tensor, "outputs n"]:
        return probe.expand_as(output) * math.sqrt(2 / len(output))

    def report(self, loss: float) -> float:
        return loss


_NAMED: dict[str, Loss] = {"mse": SquaredError(), "cross_entropy": CrossEntropy(), "bce": BinaryCrossEntropy()}


def loss_named(loss: str | Callable[[Tensor, Tensor], Tensor] | None, own: torch.dtype | None = None) -> Loss:
    """The loss that a user means: None (squared error), a name, or any function of (outputs, labels).

    Torch's own losses of these kinds are known for what they are, label smoothing too. `own` is the network's dtype.

    Raises TrainingError for an unknown name, and for torch's losses of probabilities, which outputs are not.

    >>> loss_named("cross_entropy")
    CrossEntropy(smoothing=0.0)
    """
    if loss is None:
        return SquaredError()
    if isinstance(loss, str):
        if loss.lower() not in _NAMED:
            raise TrainingError(
                f"loss_fn={loss!r} is not known; pass 'mse', 'cross_entropy', 'bce' or a function (output, label)."
            )
        return _NAMED[loss.lower()]
    if not callable(loss):
        raise TrainingError(f"loss_fn={loss!r} cannot be called; pass a name or a function (output, label).")
    if isinstance(loss, type):
        raise TrainingError(f"loss_fn={loss.__name__} is a class; pass one of it: loss_fn={loss.__name__}().")
    for module, function, named in _OF_PROBABILITIES:
        if type(loss) is module or loss is function:
            raise TrainingError(
                f"loss_fn={module.__name__} takes probabilities or their logarithms, but outputs are any numbers;"
                f" pass loss_fn='{named}', which turns them into probabilities."
            )
    return _of_torch(loss, own) if isinstance(loss, nn.Module) else AnyLoss(loss, own)


def _of_torch(loss: nn.Module, own: torch.dtype | None) -> Loss:
    # A class derived from torch's may compute something else.
    if type(loss) in _TORCH and getattr(loss, "reduction", None) == "mean" and (known := _TORCH[type(loss)](loss)):
        return known
    if not [*loss.parameters(), *loss.buffers()]:
        return AnyLoss(loss, own)
    # What it holds (weights of classes, say) takes on the precision that the training works in.
    mine = copy.deepcopy(loss)
    return AnyLoss(lambda output, label: mine.to(output.dtype)(output, label), own)


_OF_PROBABILITIES = (
    (nn.BCELoss, nn.functional.binary_cross_entropy, "bce"),
    (nn.NLLLoss, nn.functional.nll_loss, "cross_entropy"),
)
_TORCH: dict[type[nn.Module], Callable[[Any], Loss | None]] = {
    nn.MSELoss: lambda loss: SquaredError(),
    nn.CrossEntropyLoss: lambda loss: (
        CrossEntropy(loss.label_smoothing) if loss.weight is None and loss.ignore_index < 0 else None
    ),
    nn.BCEWithLogitsLoss: lambda loss: BinaryCrossEntropy() if loss.weight is loss.pos_weight is None else None,
}
