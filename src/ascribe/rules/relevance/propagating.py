"""Relevance by function: one run of the network, in which every function gets a backward that carries relevance.

What autograd then takes for the gradient of a tensor is its relevance. Where entries are only moved (reshaping,
indexing, concatenation, max pooling) autograd's own backward moves relevance as well, and where a tensor is used
several times relevance adds up, both as it must.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.core.points import Points, slopes
from ascribe.errors import MethodError
from ascribe.rules.as_written import as_written
from ascribe.rules.calls import Call
from ascribe.rules.relevance.composite import Composite
from ascribe.rules.relevance.epsilon import Epsilon
from ascribe.rules.relevance.identity import Identity
from ascribe.rules.relevance.layer import Layer, LayerRule
from ascribe.rules.relevance.layers import BatchNorm, LayerCall
from ascribe.rules.relevance.passing import Alike, Passing, Sums
from ascribe.rules.relevance.table import RULES
from ascribe.rules.rule import Replaced, Rule, Written
from ascribe.rules.tracing import Tracing

# Convolutions and products whose outputs are the second dimension, as batch norm's channels are.
_FOLDING = frozenset({"linear", "conv1d", "conv2d", "conv3d"})
_SHIFTS = frozenset({"add", "radd"})


def relevances(
    network: Callable[[Tensor], Tensor],
    x: Float[Tensor, "n *shape"],
    composite: Composite,
    module: nn.Module | None = None,
    *,
    entrance: bool = True,
    points: Points | None = None,
) -> Float[Tensor, "scores *shape"]:
    """The relevance of every entry of x for every score, which itself is the relevance that there is.

    `network` gives one number a row, or several where `points` says which row each belongs to; `module` is where the
    names of layers come from; `entrance` says that x is the input, before any layer. Costs one forward pass, then two
    forward passes and one backward pass of every layer.

    Raises MethodError at a function without a rule, and at code hidden from torch function overrides.

    >>> relevances(lambda z: torch.relu(z[:, 0] * 3 + z[:, 1]), torch.tensor([[1.0, 2.0]]), Composite())
    tensor([[3.0000, 2.0000]])
    """
    start = x.detach().requires_grad_()
    with as_written(), torch.enable_grad():
        # A copy, since a network may begin with a function that writes into its input.
        first = start.clone()
        with Propagating(first, composite, module, entrance) as propagating:
            scores = network(first)
        propagating.check([scores])
        if not scores.requires_grad:
            raise MethodError(
                "LRP needs a function that torch can differentiate, but this one leaves autograd on the way (numpy, "
                "detach, a comparison, torch.func); write it with torch functions, or use Shapley()."
            )
        return slopes(scores * scores.detach(), start, points)


class Propagating(Tracing):
    """Gives every function that the input reaches a backward of its rule."""

    method = "LRP"
    rules = RULES

    def __init__(self, start: Tensor, composite: Composite, module: nn.Module | None, entrance: bool) -> None:
        super().__init__(start)
        self._composite = composite
        named = () if module is None or not composite.named else module.named_modules()
        self._names = {id(layer): name for name, layer in named if name}
        # Nodes that no layer comes before.
        self._fresh: set[Any] = {start.grad_fn} if entrance else set[Any]()
        # What a normalisation may be folded into, by the node of what it gave.
        self._layers: dict[Any, _Made] = {}
        self._latest: tuple[Call, _Made] | None = None

    def note(self, entry: Any, call: Call, rule: Rule | None, flat: list[Any]) -> bool:
        return all(tensor.grad_fn in self._fresh for tensor in call.values)

    def settle(self, call: Call, rule: Replaced, inputs: list[Tensor], output: Tensor, noted: Any) -> list[Tensor]:
        # Of its own, since what the call holds must not hold the call: memory would wait for the garbage collector.
        kept = replace(call)
        kept.forget_inputs()
        call.values = []
        name = self._name()
        called, sums = self._composite.called(name), self._composite.sums
        if isinstance(rule, LayerCall):
            inner = self._layers.get(inputs[0].grad_fn)
            if isinstance(rule, BatchNorm) and called is None and inner is not None and inner.takes(output):
                kept.values = []
                dims = output.ndim
                call.pullback = lambda relevance: (inner.rule(rule.folded(kept, inner.layer(), dims), relevance),)
                return [inner.x]
            kept.values = self.hold(kept.values)
            chosen = self._composite.rule(rule.kind, noted, name)
            call.pullback = lambda relevance: (chosen(rule.layer(kept), relevance),)
            if self._composite.fold and call.operation.name in _FOLDING:
                self._latest = call, _Made(kept, rule, chosen, inputs[0], inputs[0]._version)
            return inputs
        carrying = cast("Passing", rule)
        alone = len(inputs) == 1 and inputs[0].shape == output.shape
        shifted = noted and call.operation.name in _SHIFTS
        if isinstance(carrying, Sums) and alone and (shifted or isinstance(called, Identity)):
            # Before the first layer, a shift by constants only changes the units of the input.
            carrying = Alike()
        sums = called if isinstance(called, Epsilon) else sums
        kept.values = self.hold(kept.values) if carrying.looks else [_shape_of(value) for value in kept.values]
        call.pullback = lambda relevance: cast("tuple[Tensor, ...]", carrying.carry(kept, relevance, sums))
        return inputs

    def made(self, call: Call, rule: Rule | None, noted: Any, nodes: list[Any]) -> None:
        if noted and not isinstance(rule, (LayerCall, Written)):
            self._fresh.update(nodes)
        if self._latest is not None and self._latest[0] is call:
            self._layers[nodes[-1]] = self._latest[1]
            self._latest = None

    def _name(self) -> str | None:
        """The name of the innermost module of the network that is running."""
        frame = inspect.currentframe() if self._names else None
        while frame is not None:
            name = self._names.get(id(frame.f_locals.get("self")))
            if name is not None:
                return name
            frame = frame.f_back
        return None


def _shape_of(value: Tensor) -> Tensor:
    """As large as the value, and of no memory."""
    return value.new_zeros(()).expand(value.shape)


@dataclass(frozen=True)
class _Made:
    """A layer that has run: its call and rule, and the input as it then was."""

    call: Call
    kind: LayerCall
    rule: LayerRule
    x: Tensor
    version: int

    def layer(self) -> Layer:
        return self.kind.layer(self.call)

    def takes(self, output: Tensor) -> bool:
        """Whether a normalisation with this output normalises the layer's own outputs, and its input is still there."""
        return (self.call.operation.name != "linear" or output.ndim == 2) and self.x._version == self.version
