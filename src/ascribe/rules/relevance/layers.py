"""Functions that are layers where their weights are constant: matrix products, convolutions, batch norm."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, final

import torch
import torch.nn.functional as F
from torch import Tensor

from ascribe.rules.calls import Call, graft, tensors
from ascribe.rules.relevance.composite import Kind
from ascribe.rules.relevance.epsilon import Epsilon
from ascribe.rules.relevance.layer import Layer
from ascribe.rules.relevance.passing import Halves, Passing, Sums
from ascribe.rules.rule import Rule, Written


class LayerCall(Passing):
    """A call that is a layer."""

    kind: Kind

    @abstractmethod
    def layer(self, call: Call) -> Layer:
        """The layer of this call."""

    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        return (sums(self.layer(call), relevance),)


@final
@dataclass(frozen=True)
class Product(LayerCall):
    """A product of two tensors that sums over an index, with a bias as third argument where there is one.

    `spatial` dimensions stand behind the channels of a convolution's output.
    """

    kind: Kind
    biased: bool = False
    spatial: int | None = None

    def at(self, call: Call) -> Rule:
        every, bias = tensors(call.args, call.kwargs), self._bias(call)
        moving = [one for one, moves in zip(every, call.depends, strict=True) if moves]
        if any(one is bias for one in moving) or len(every) - (bias is not None) != 2:
            return Sums() if len(moving) == 1 else _refuse_many(call)
        return self if len(moving) == 1 else Halves()

    def layer(self, call: Call) -> Layer:
        every, bias = tensors(call.args, call.kwargs), self._bias(call)
        place = call.depends.index(True)
        other = next(k for k, one in enumerate(every) if k != place and one is not bias)
        tree = call.args, call.kwargs

        def apply(x: Tensor, weight: Tensor) -> Tensor:
            fresh: list[Any] = [x if k == place else weight if k == other else None for k in range(len(every))]
            args, kwargs = graft(tree, iter(fresh))
            return call.operation.plain(*args, **kwargs)

        if bias is not None and self.kind == "convolution":
            spatial = call.values[0].ndim - 2 if self.spatial is None else self.spatial
            bias = bias.reshape(-1, *(1,) * spatial)
        return Layer(call.values[0], every[other], bias, apply)

    def _bias(self, call: Call) -> Tensor | None:
        return call.argument(2, "bias") if self.biased else None


def _refuse_many(call: Call) -> Rule:
    raise call.refuse("more of its arguments depend on the input than two factors", "write it with sums and products")


@final
class BatchNorm(LayerCall):
    """A normalisation with stored statistics: every channel by its own number, and a shift."""

    kind = "norm"

    def at(self, call: Call) -> Rule:
        if not inspect.isfunction(call.operation.plain):
            return Written(_batch_norm)
        if call.argument(5, "training", False):
            raise call.refuse("it is in training mode, so each row depends on the others", "call model.eval() first")
        if len(call.inputs) > 1 or not call.depends[0]:
            raise call.refuse("more than its first argument depends on the input", "write it with sums and products")
        return self

    def layer(self, call: Call) -> Layer:
        x = call.values[0]
        scale, shift = scale_and_shift(call)
        return Layer(x, _per_channel(scale, x.ndim), _per_channel(shift, x.ndim), torch.mul)

    def folded(self, call: Call, inner: Layer, ndim: int) -> Layer:
        """This normalisation and the layer whose output it takes, as one layer."""
        scale, shift = scale_and_shift(call)
        weight, shift = inner.weight * _per_channel(scale, inner.weight.ndim + 1), _per_channel(shift, ndim)
        bias = shift if inner.bias is None else inner.bias * _per_channel(scale, ndim) + shift
        return Layer(inner.x, weight, bias, inner.apply)


def scale_and_shift(call: Call) -> tuple[Tensor, Tensor]:
    """What a batch norm multiplies every channel by, and what it adds then."""
    mean, variance = call.argument(1, "running_mean"), call.argument(2, "running_var")
    weight, bias = call.argument(3, "weight"), call.argument(4, "bias")
    scale = torch.rsqrt(variance + call.argument(7, "eps", 1e-5))
    scale = scale if weight is None else scale * weight
    shift = -mean * scale
    return scale, shift if bias is None else shift + bias


def _per_channel(vector: Tensor, ndim: int) -> Tensor:
    return vector.reshape(-1, *(1,) * (ndim - 2))


def _batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:
    """torch's own form takes the arguments in another order."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def stored_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor,
    running_var: Tensor,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The form that exported programs call; what it returns beside the values is empty."""
    empty = input.new_empty(0)
    return F.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps), empty, empty
