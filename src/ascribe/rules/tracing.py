"""A run in which every function that the input reaches gets the backward of its rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ascribe.errors import MethodError
from ascribe.rules.calls import Call, Function, leaves, operation, place, tensors
from ascribe.rules.rule import Replaced, Rule, Written

# Of the graph, which is there in the first run alone, and of what is the same in every run.
_QUESTIONS = frozenset({
    "requires_grad", "is_leaf", "grad_fn", "output_nr", "retain_grad", "retains_grad", "version", "len", "size",
    "shape", "dim", "ndim", "numel", "dtype", "device", "layout", "is_floating_point", "is_complex",
})  # fmt: skip


@lru_cache(maxsize=4096)
def asks(function: Function) -> bool:
    """A question about a tensor, whose answer holds no tensor."""
    return operation(function).name in _QUESTIONS


class Tracing(TorchFunctionMode, ABC):
    """Meets every function that the network calls, and replaces the backward of those that a rule says so of.

    `method` is who asks, for errors; `rules` names the rule of every function.
    """

    method: ClassVar[str]
    rules: Mapping[str, Rule]

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        # The nodes of the calls seen so far: a tensor with another one means that code ran which we could not see.
        self._seen: set[Any] = {start.grad_fn}
        # Values held for later, by storage, as (list, index), so that a write can part from them first.
        self._held: dict[int, list[tuple[list[Any], int]]] = {}

    def __torch_function__(
        self, func: Function, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if asks(func) or not torch.is_grad_enabled():
            return func(*args, **given)
        entry = self.meet(func)
        flat = leaves(args, given)
        every = [leaf for leaf in flat if isinstance(leaf, Tensor)]
        depends = tuple(map(_depends, every))
        if True not in depends:
            with torch.no_grad():
                return func(*args, **given)
        reached = [tensor for tensor, one in zip(every, depends, strict=True) if one]
        self.check(reached)
        known = operation(func)
        call = Call(known, *known.out_of_place(args, given), depends, method=self.method)
        call.values = reached
        rule = self.rules.get(known.name)
        rule = None if rule is None else rule.at(call)
        noted = self.note(entry, call, rule, flat)
        writes = known.in_place(args, given)
        if writes:
            self._part_from(args[0])
        if isinstance(rule, Written):
            with self:
                output = rule.form(*call.args, **call.kwargs)
        elif isinstance(rule, Replaced):
            output = self._replaced(call, rule, writes and depends[0], noted)
        else:
            output = func(*args, **given)
        if rule is None and any(map(_depends, tensors(output))):
            instead = "write it with functions that have one, or use IntegratedGradients()"
            raise call.refuse("there is no rule for it", instead)
        if writes and isinstance(rule, (Written, Replaced)):
            self._part_from(args[0])
            output = args[0].copy_(output)
        changed = [*every, *tensors(output)] if writes else tensors(output)
        nodes = [tensor.grad_fn for tensor in changed if _depends(tensor)]
        self._seen.update(nodes)
        self.made(call, rule, noted, nodes)
        return output

    def meet(self, function: Function) -> Any:
        """Called for every function, whatever it is called on; what this returns `note` gets."""

    def note(self, entry: Any, call: Call, rule: Rule | None, flat: list[Any]) -> Any:
        """Called for every call that the input reaches, with its arguments one by one, before it is made."""

    @abstractmethod
    def settle(self, call: Call, rule: Replaced, inputs: list[Tensor], output: Tensor, noted: Any) -> list[Tensor]:
        """See to the call's pullback; returns the tensors that its backward leads to, `inputs` as a rule."""

    def made(self, call: Call, rule: Rule | None, noted: Any, nodes: list[Any]) -> None:
        """Called after the call, with what was noted and the nodes of its arguments and results."""

    def _replaced(self, call: Call, rule: Replaced, overwritten: bool, noted: Any) -> Tensor:
        """The function's value with our backward; the first input is copied where the value will be written over it."""
        inputs = [call.values[0].clone() if overwritten else call.values[0], *call.values[1:]]
        call.values = [tensor.detach() for tensor in inputs]
        with torch.no_grad():
            output = call.rerun(*call.values)
        if any(tensor.is_complex() for tensor in (*call.values, output)):
            raise call.refuse("its values are complex", "write it with real and imaginary parts")
        inputs = self.settle(call, rule, inputs, output, noted)
        call.forget_inputs()
        return cast("Tensor", cast("Any", _Ruled).apply(call, [output], *inputs))

    def hold(self, values: list[Any]) -> list[Any]:
        """Values that must stay as they are now; a list, in which they are changed for copies where need be."""
        for index, value in enumerate(values):
            # A network does not write over its parameters while it runs.
            if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
                self._held.setdefault(value.untyped_storage().data_ptr(), []).append((values, index))
        return values

    def _part_from(self, written: Tensor) -> None:
        """Copy what is held of a tensor that is about to be written over."""
        for values, index in self._held.pop(written.untyped_storage().data_ptr(), []):
            values[index] = values[index].detach().clone()

    def check(self, every: Iterable[Tensor]) -> None:
        """Refuse a tensor that depends on the input through code that torch function overrides do not show."""
        for tensor in every:
            if _depends(tensor) and tensor.grad_fn not in self._seen and not _rebased(tensor):
                if self._hooked(tensor.grad_fn):
                    self._seen.add(tensor.grad_fn)
                    continue
                node = type(tensor.grad_fn).__name__
                raise MethodError(
                    f"{self.method} cannot see how {node} came about ({place()}): compiled, scripted or custom "
                    "autograd code; pass the plain module, or use IntegratedGradients()."
                )

    def _hooked(self, node: Any) -> bool:
        """A module's full backward hook puts nodes of its own around the module, which pass values on as they are."""
        if type(node).__name__ != "BackwardHookFunctionBackward":
            return False
        return all(before is None or before in self._seen or self._hooked(before) for before, _ in node.next_functions)


class _Ruled(torch.autograd.Function):
    """A value that is already known, with the call's pullback for its backward."""

    @staticmethod
    def forward(ctx: Any, call: Call, output: list[Tensor], *inputs: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        # In a list, the value is no input of this function, and may be written over later like any other.
        ctx.call = call
        return output[0]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None, None, *ctx.call.pullback(gradient)


def _depends(tensor: Tensor) -> bool:
    """Depends on the input: the network's own parameters are leaves, and what is made of them alone keeps no graph."""
    return tensor.requires_grad and not tensor.is_leaf


def _rebased(tensor: Tensor) -> bool:
    """Writing into a view gives its base, and every other view of it, a new node that no call returned."""
    return tensor._is_view() or type(tensor.grad_fn).__name__ in {"CopySlices", "AsStridedBackward0"}
