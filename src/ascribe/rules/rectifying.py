"""Rectifiers whose backward pass is another one than their derivative: guided backpropagation and the deconvolution."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ascribe.core.evaluate import sweep
from ascribe.core.points import slopes
from ascribe.core.score import Score
from ascribe.errors import InputError, MethodError
from ascribe.rules.as_written import as_written
from ascribe.rules.calls import Function, Operation, argument, operation
from ascribe.rules.recurrent import RULES as RECURRENT
from ascribe.rules.rule import Written

# A rectifier's value, with a graph of its own, from the function and its input.
Rectifier = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]


def rectified_gradient(f: Score, z: Float[Tensor, "rows *shape"], rectifier: Rectifier) -> Float[Tensor, "rows *shape"]:
    r"""$\nabla f(z)$ with another backward pass of every rectifier.

    Raises InputError for whole-number inputs, and MethodError where the model cuts the graph or hides a rectifier.
    """
    if f.obstacle is not None:
        raise InputError(f.obstacle)
    found = torch.empty_like(z)

    def work(index: Int[Tensor, " piece"]) -> None:
        x, row = z[index], f.every[index]
        points = f.points(x, row)
        leaf = (x if points is None else x[points.first]).detach().requires_grad_()
        with as_written(), Rectifying(rectifier) as rectifying:
            # A network may begin with an operation in place, which a leaf does not allow.
            scores = f.at(leaf.clone(), row, points)
        if not scores.requires_grad:
            raise MethodError(
                "the score has no gradient: the model does not compute it from its input by differentiable "
                "torch operations; use Shapley() or Ablation(), which need none"
            )
        rectifying.check(scores)
        found[index] = slopes(scores, leaf, points)

    sweep(f, len(z), work, gradients=True)
    return found


def guided(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Backwards the derivative, of what is positive in the gradient alone."""
    return _positive(function(x))


def deconvolved(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Backwards what is positive in the gradient, whatever went forward."""
    with torch.no_grad():
        value = function(x)
    return _positive(cast("Tensor", cast("Any", _Passing).apply(x, value)))


def _positive(value: Tensor) -> Tensor:
    if value.requires_grad:
        value.register_hook(lambda gradient: gradient.clamp_min(0))
    return value


class _Passing(torch.autograd.Function):
    """A value that takes the place of another; the gradient does not notice."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return gradient, None


class Rectifying(TorchFunctionMode):
    """While this is open, every rectifier that a network calls is this one: as module or function, reused, in place.

    Rectifiers are relu, relu6, and threshold and clamp where they cut at 0.
    """

    def __init__(self, rectifier: Rectifier) -> None:
        super().__init__()
        self._rectifier = rectifier
        self._shown = set[Any]()

    def __torch_function__(
        self, func: Function, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if not args and "input" in given:
            args = (given.pop("input"),)
        known = operation(func)
        written = RECURRENT.get(known.name)
        if isinstance(written, Written) and torch.is_grad_enabled():
            # A recurrent layer may rectify inside, and cuDNN has no backward pass for it in evaluation mode.
            with self:
                return written.form(*args, **given)
        if not _rectifies(known, args, given):
            return func(*args, **given)
        (x, *rest), options = known.out_of_place(args, given)
        writes = known.in_place(args, given)
        # A copy, since the function may need its input backwards, which is about to be written over.
        output = self._rectifier(lambda value: known.plain(value, *rest, **options), x.clone() if writes else x)
        self._shown.add(output.grad_fn)
        return x.copy_(output) if writes else output

    def check(self, scores: Tensor) -> None:
        """Raises MethodError where a rectifier ran, or may have run, in code that function overrides do not show."""
        waiting, met = [scores.grad_fn], set[Any]()
        while waiting:
            node: Any = waiting.pop()
            if node is None or node in met:
                continue
            met.add(node)
            if node not in self._shown and node.name().startswith(_HIDING):
                raise MethodError(
                    f"the network hides its rectifiers behind {node.name()}: scripted code or a re-entrant checkpoint; "
                    "pass the plain module, or use Saliency()"
                )
            waiting.extend(before for before, _ in node.next_functions)


_HIDING = ("Relu", "CheckpointFunction", "CompiledFunction", "torch::jit")


def _rectifies(known: Operation, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    if not args or not isinstance(args[0], Tensor):
        return False
    match known.name:
        case "relu" | "relu6":
            return True
        case "clamp_min" | "clamp" | "clip":
            return _zero(argument(args, kwargs, 1, "min"))
        case "threshold":
            return _zero(argument(args, kwargs, 1, "threshold")) and _zero(argument(args, kwargs, 2, "value"))
        case _:
            return False


def _zero(bound: Any) -> bool:
    return isinstance(bound, (int, float)) and bound == 0
