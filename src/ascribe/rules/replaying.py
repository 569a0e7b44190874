"""The run at the reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ascribe.errors import MethodError
from ascribe.rules.calls import Call, Function, leaves, operation, place
from ascribe.rules.rule import LINEAR, Compared, Written
from ascribe.rules.tape import Entry, constants_of, same
from ascribe.rules.tracing import asks


class Replaying(TorchFunctionMode):
    """The same calls once more; each closes the backward that the first run left open."""

    def __init__(self, tape: Sequence[Entry]) -> None:
        super().__init__()
        self._tape, self._next = tape, 0

    def __torch_function__(
        self, func: Function, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if asks(func) or not torch.is_grad_enabled():
            return func(*args, **given)
        entry = self._tape[self._next] if self._next < len(self._tape) else None
        self._next += 1
        if entry is None or entry.function != func:
            raise self._strayed(operation(func).name)
        if entry.rule is None:
            return _plain(func, args, given)
        known = operation(func)
        flat = leaves(args, given)
        if not same(entry.constants, constants_of(flat, entry.depends)):
            raise MethodError(
                f"DeepLift cannot pass through {known.name} ({place()}): one of its constants differs between input "
                "and reference, so it depends on the input through a comparison, a rounding or an index, or it is "
                "random; use a function with a derivative (torch.relu, clamp, amax), or IntegratedGradients()."
            )
        if entry.rule is LINEAR:
            return _plain(func, args, given)
        plain_args, plain_kwargs = known.out_of_place(args, given)
        if isinstance(entry.rule, Written):
            with self:
                output = entry.rule.form(*plain_args, **plain_kwargs)
        else:
            output = _plain(known.plain, plain_args, plain_kwargs)
            self._close(entry, [leaf for leaf in flat if isinstance(leaf, Tensor)], output)
        return _plain(args[0].copy_, (output,), {}) if known.in_place(args, given) else output

    def _close(self, entry: Entry, every: list[Tensor], output: Tensor) -> None:
        call, rule = cast("Call", entry.call), cast("Compared", entry.rule)
        inputs = [tensor for tensor, one in zip(every, call.depends, strict=True) if one]
        if output.shape != call.output.shape:
            raise self._strayed(f"{call.operation.name} of shape {tuple(output.shape)}")
        call.pullback = rule.pullback(call, inputs, output)
        call.values.clear()

    def finish(self) -> None:
        """Refuse a run that ended before the first one did."""
        if self._next != len(self._tape):
            self._next += 1
            raise self._strayed("nothing more")

    def _strayed(self, now: str) -> MethodError:
        before = (
            operation(self._tape[self._next - 1].function).name if self._next <= len(self._tape) else "nothing more"
        )
        return MethodError(
            f"DeepLift needs the same computation at input and reference, but the network ran {before} on the input "
            f"and {now} on the reference ({place()}): it branches on values, or does without torch where it can; take "
            "a nearer reference, the network before it was compiled, or IntegratedGradients()."
        )


def _plain(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Without a graph; the mode itself says, as in the first run, where the network wants none."""
    with torch.no_grad():
        return function(*args, **kwargs)
