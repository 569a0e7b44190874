"""The run at the input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ascribe.errors import MethodError
from ascribe.rules.calls import Call, Function, leaves, operation, place, tensors
from ascribe.rules.rule import Replaced, Written
from ascribe.rules.table import RULES
from ascribe.rules.tape import Entry, asks_of_the_graph, constants_of


class Recording(TorchFunctionMode):
    """Gives every function that the input reaches a backward of its rule, still open, and keeps a tape of the calls."""

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.tape: list[Entry] = []
        # The nodes of the calls seen so far: a tensor with another one means that code ran which we could not see.
        self._seen: set[Any] = {start.grad_fn}
        # Values held for the second run, by storage, as (list, index), so that a write can part from them first.
        self._held: dict[int, list[tuple[list[Any], int]]] = {}

    def __torch_function__(
        self, func: Function, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if asks_of_the_graph(func):
            return func(*args, **given)
        entry = Entry(func)
        self.tape.append(entry)
        flat = leaves((args, given))
        every = [leaf for leaf in flat if isinstance(leaf, Tensor)]
        depends = tuple(map(_depends, every))
        if not any(depends):
            with torch.no_grad():
                return func(*args, **given)
        if not torch.is_grad_enabled():
            return func(*args, **given)
        self.check(every)
        known = operation(func)
        call = Call(known, *known.out_of_place(args, given), depends)
        call.values = [tensor for tensor, one in zip(every, depends, strict=True) if one]
        rule = RULES.get(known.name)
        entry.rule = rule = None if rule is None else rule.at(call)
        entry.depends, entry.constants = depends, self._hold(constants_of(flat, depends))
        writes = known.in_place(args, given)
        if writes:
            self._part_from(args[0])
        if isinstance(rule, Written):
            with self:
                output = rule.form(*call.args, **call.kwargs)
        elif isinstance(rule, Replaced):
            entry.call = call
            output = self._replaced(call, writes and depends[0])
        else:
            output = func(*args, **given)
        if rule is None and any(map(_depends, tensors(output))):
            instead = "write it with functions that have one, or use IntegratedGradients()"
            raise call.refuse("there is no rule for it", instead)
        if writes and isinstance(rule, (Written, Replaced)):
            self._part_from(args[0])
            output = args[0].copy_(output)
        self._seen.update(tensor.grad_fn for tensor in (*every, *tensors(output)) if _depends(tensor))
        return output

    def _replaced(self, call: Call, overwritten: bool) -> Tensor:
        """The function's value with our backward; the first input is copied where the value will be written over it."""
        inputs = [call.values[0].clone() if overwritten else call.values[0], *call.values[1:]]
        values = [tensor.detach() for tensor in inputs]
        with torch.no_grad():
            output = call.rerun(*values)
        if any(tensor.is_complex() for tensor in (*values, output)):
            raise call.refuse("its values are complex", "write it with real and imaginary parts")
        call.values = self._hold([*values, output.detach()])
        call.forget_inputs()
        return cast("Tensor", cast("Any", _Multiplied).apply(call, [output], *inputs))

    def _hold(self, values: list[Any]) -> list[Any]:
        for index, value in enumerate(values):
            if isinstance(value, Tensor):
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
                node = type(tensor.grad_fn).__name__
                raise MethodError(
                    f"DeepLift cannot see how {node} came about ({place()}): compiled, scripted or custom autograd "
                    "code; pass the plain module, or use IntegratedGradients()."
                )


class _Multiplied(torch.autograd.Function):
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
