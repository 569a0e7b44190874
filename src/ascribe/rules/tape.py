"""Multipliers by function: the network runs at the input, then at the reference, and the calls are matched one by one.

The first run records every torch function that the input reaches and puts in the place of its backward a pullback that
is still open. The second run, at the reference, meets the same calls in the same order; each then knows both of its
values, and its rule closes the pullback. One backward pass through the first run's graph gives the multipliers.

Nothing is stacked: rows never meet, a transposed batch is no trouble, and the backward pass has n rows, not 2n.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ascribe.errors import MethodError
from ascribe.rules.calls import Call, Function, leaves, operation, place, tensors
from ascribe.rules.rule import LINEAR, Replaced, Rule, Written
from ascribe.rules.table import RULES


def multipliers(
    network: Callable[[Tensor], Tensor], x: Float[Tensor, "n *shape"], x0: Float[Tensor, "n *shape"]
) -> Float[Tensor, "n *shape"]:
    r"""$m$ with $\sum_i m_i (x_i - x_{0,i}) = f(x) - f(x_0)$ for every row, by the chain rule of DeepLIFT.

    `network` gives one number a row. Costs two forward passes and one backward pass of n rows.

    Raises MethodError at a function without a rule, at a value that depends on the input though autograd does not see
    how (a comparison, rounding, noise), at code hidden from torch function overrides, and where the network takes
    another path on the reference.  Source: Shrikumar, Greenside & Kundaje (2017), https://arxiv.org/abs/1704.02685.

    >>> x = torch.tensor([[3.0, 2.0]])
    >>> multipliers(lambda z: torch.relu(z[:, 0] - z[:, 1] - 2.0) + z[:, 1] ** 2, x, torch.zeros(1, 2))
    tensor([[0., 2.]])
    """
    start = x.detach().requires_grad_()
    with _as_written(), torch.enable_grad():
        # Copies, since a network may begin with a function that writes into its input.
        first, second = start.clone(), x0.detach().clone()
        with Recording(first) as recording:
            scores = network(first)
        recording.check([scores])
    with _as_written(), torch.no_grad(), Replaying(recording.tape) as replaying:
        reference = network(second)
    replaying.finish()
    if scores.requires_grad:
        return torch.autograd.grad(scores.sum(), start, materialize_grads=True)[0]
    if not torch.equal(scores, reference):
        raise MethodError(
            "DeepLift needs a function that torch can differentiate, but this one leaves autograd on the way (numpy, "
            "detach, a comparison, torch.func); write it with torch functions, or use Shapley()."
        )
    return torch.zeros_like(first)


def _as_written() -> AbstractContextManager[Any]:
    """Compiled modules run the code they were compiled from, which torch function overrides can see."""
    # Nothing is compiled before dynamo is imported, and to import it takes longer than most explanations.
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


@dataclass
class Entry:
    """What the first run leaves for the second: the function, its rule, its call and the constants it took."""

    function: Function
    rule: Rule | None = None
    call: Call | None = None
    depends: tuple[bool, ...] = ()
    constants: list[Any] = field(default_factory=list[Any])


class Recording(TorchFunctionMode):
    """The run at the input."""

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
        if _asks(func):
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
        entry.depends, entry.constants = depends, self._hold(_constants(flat, depends))
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


class Replaying(TorchFunctionMode):
    """The run at the reference: the same calls once more, each closing its pullback."""

    def __init__(self, tape: Sequence[Entry]) -> None:
        super().__init__()
        self._tape, self._next = tape, 0

    def __torch_function__(
        self, func: Function, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if _asks(func):
            return func(*args, **given)
        entry = self._tape[self._next] if self._next < len(self._tape) else None
        self._next += 1
        if entry is None or entry.function != func:
            raise self._strayed(operation(func).name)
        if entry.rule is None:
            return func(*args, **given)
        known = operation(func)
        flat = leaves((args, given))
        if not _same(entry.constants, _constants(flat, entry.depends)):
            raise MethodError(
                f"DeepLift cannot pass through {known.name} ({place()}): one of its constants differs between input "
                "and reference, so it depends on the input through a comparison, a rounding or an index, or it is "
                "random; use a function with a derivative (torch.relu, clamp, amax), or IntegratedGradients()."
            )
        if entry.rule is LINEAR:
            return func(*args, **given)
        plain_args, plain_kwargs = known.out_of_place(args, given)
        if isinstance(entry.rule, Written):
            with self:
                output = entry.rule.form(*plain_args, **plain_kwargs)
        else:
            output = known.plain(*plain_args, **plain_kwargs)
            self._close(entry, [leaf for leaf in flat if isinstance(leaf, Tensor)], output)
        return args[0].copy_(output) if known.in_place(args, given) else output

    def _close(self, entry: Entry, every: list[Tensor], output: Tensor) -> None:
        call, rule = cast("Call", entry.call), cast("Replaced", entry.rule)
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
            f"and {now} on the reference ({place()}); take a nearer reference, or use IntegratedGradients()."
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


_QUESTIONS = frozenset({"requires_grad", "is_leaf", "grad_fn", "output_nr", "retain_grad", "retains_grad", "version"})


def _asks(function: Function) -> bool:
    """A question about the graph, which is there in the first run alone; code may go on by the answer."""
    return operation(function).name in _QUESTIONS


def _depends(tensor: Tensor) -> bool:
    """Depends on the input: the network's own parameters are leaves, and what is made of them alone keeps no graph."""
    return tensor.requires_grad and not tensor.is_leaf


def _rebased(tensor: Tensor) -> bool:
    """Writing into a view gives its base, and every other view of it, a new node that no call returned."""
    return tensor._is_view() or type(tensor.grad_fn).__name__ in {"CopySlices", "AsStridedBackward0"}


def _constants(flat: list[Any], depends: Iterable[bool]) -> list[Any]:
    """The numbers and tensors of a call that must be the same at input and reference."""
    flags = iter(depends)
    return [
        leaf
        for leaf in flat
        if (not next(flags) if isinstance(leaf, Tensor) else isinstance(leaf, (int, float, complex)))
    ]


def _same(before: list[Any], now: list[Any]) -> bool:
    return len(before) == len(now) and all(a is b or _agree(a, b) for a, b in zip(before, now, strict=True))


def _agree(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
    return type(a) is type(b) and a == b
