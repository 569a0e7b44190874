"""Functions that pick one of their inputs: maxima, minima and max pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast, final

import torch
import torch.nn.functional as F
from torch import Tensor

from ascribe.rules.calls import Call, Function, Pullback
from ascribe.rules.elementwise import Rescale
from ascribe.rules.rule import Compared, Rule, Written


def _credit(x: Tensor, x0: Tensor, y: Tensor, y0: Tensor, now: Tensor, before: Tensor, sign: int) -> Pullback:
    r"""All of $\Delta y$ to one entry of the last dimension: where the extreme is if it advanced, else where it was.

    There $|\Delta x| \ge |\Delta y|$ with the same sign, so the multiplier $\Delta y / \Delta x$ lies in $[0, 1]$.
    """
    place = torch.where((y - y0) * sign > 0, now, before)
    step = (x - x0).gather(-1, place)
    multiplier = torch.where(step == 0, 0.0, (y - y0) / step)
    shape = x.shape
    return lambda gradient: (gradient.new_zeros(shape).scatter_add(-1, place, gradient * multiplier),)


@final
@dataclass(frozen=True)
class Extreme(Compared):
    """`amax` and `amin` over one dimension, the last, which is kept."""

    sign: int

    def pullback(self, call: Call, inputs: list[Tensor], output: Tensor) -> Pullback:
        (x,), (x0,) = call.inputs, inputs
        pick = torch.argmax if self.sign > 0 else torch.argmin
        now, before = pick(x, -1, keepdim=True), pick(x0, -1, keepdim=True)
        return _credit(x, x0, call.output, output, now, before, self.sign)


@final
@dataclass(frozen=True)
class MaxPool(Compared):
    """Max pooling over the last `spatial` dimensions; a window credits one of its entries."""

    spatial: int

    def pullback(self, call: Call, inputs: list[Tensor], output: Tensor) -> Pullback:
        (x,), (x0,), spatial = call.inputs, inputs, self.spatial
        now, before = self._places(call, x), self._places(call, x0)
        x, x0, y, y0, now, before = (v.flatten(-spatial) for v in (x, x0, call.output, output, now, before))
        backward, shape = _credit(x, x0, y, y0, now, before, 1), call.inputs[0].shape

        def folded(gradient: Tensor) -> tuple[Tensor, ...]:
            (credit,) = backward(gradient.flatten(-spatial))
            return (credit.reshape(shape),)

        return folded

    def _places(self, call: Call, x: Tensor) -> Tensor:
        """Where each window's maximum lies, as an index into the flattened spatial dimensions."""
        pool = getattr(F, f"{call.operation.name.removesuffix('_with_indices')}_with_indices")
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        names = ("output_size",) if call.operation.name.startswith("adaptive") else names
        given = dict(zip(names, call.args[1:], strict=False)) | {n: v for n, v in call.kwargs.items() if n in names}
        return pool(x, **given)[1]


@final
@dataclass(frozen=True)
class Pooling(Rule):
    """A max pooling; where its indices are asked for too, they are constants beside it."""

    spatial: int

    def at(self, call: Call) -> Rule:
        name = call.operation.name
        adaptive = name.startswith("adaptive")
        # torch's own adaptive pooling, unlike F's, always returns the indices.
        both = name.endswith("_with_indices") or (adaptive and call.operation.plain is not getattr(F, name))
        if both or call.argument(2 if adaptive else 6, "return_indices", False):
            return Written(_pool_and_places(name.removesuffix("_with_indices"), 2 if adaptive else 6))
        return MaxPool(self.spatial)


def _pool_and_places(name: str, arguments: int) -> Function:
    def pool(input: Tensor, *args: Any, return_indices: bool = True, **kwargs: Any) -> tuple[Tensor, Tensor]:
        given = args[: arguments - 1]
        places: Tensor = getattr(F, f"{name}_with_indices")(input.detach(), *given, **kwargs)[1]
        return getattr(F, name)(input, *given, **kwargs), places

    return pool


@final
@dataclass(frozen=True)
class Reduction(Rule):
    """`max` in its three forms (of all, along a dimension, of two tensors) and `amax`: each written with `Extreme`."""

    name: str

    def at(self, call: Call) -> Rule:
        if len(call.args) + len(call.kwargs) > 1 and isinstance(call.argument(1, "other"), Tensor):
            return Written(_of_two(self.name))
        dim = call.argument(1, "dim", ())
        if call.operation.name in {"max", "min"} and isinstance(dim, int):
            return Written(_along(self.name))
        if call.operation.name == self.name and dim == -1 and call.argument(2, "keepdim", False):
            return Extreme(1 if self.name == "amax" else -1)
        return Written(_over(self.name))


def _over(name: str) -> Function:
    reduce = getattr(torch, name)

    def extreme(input: Tensor, dim: int | Sequence[int] = (), keepdim: bool = False) -> Tensor:
        dims = [dim] if isinstance(dim, int) else list(dim) or list(range(input.ndim))
        behind = input.movedim(dims, list(range(-len(dims), 0))).flatten(-len(dims)) if input.ndim else input[None]
        values = reduce(behind, -1, keepdim=True)[..., 0]
        for position in sorted(d % input.ndim for d in dims) if keepdim else ():
            values = values.unsqueeze(position)
        return values

    return extreme


def _along(name: str) -> Function:
    returned = torch.return_types.max if name == "amax" else torch.return_types.min

    def extreme(input: Tensor, dim: int, keepdim: bool = False) -> Any:
        places = (torch.argmax if name == "amax" else torch.argmin)(input, dim, keepdim=keepdim)
        return returned((_over(name)(input, dim, keepdim), places))

    return extreme


def stacked(input: Tensor, other: Tensor) -> Tensor:
    """Two tensors, broadcast, as the two entries of a new last dimension."""
    pair: list[Tensor] = cast("Any", torch).broadcast_tensors(input, other)
    return torch.stack(pair, -1)


def _of_two(name: str) -> Function:
    def extreme(input: Tensor, other: Tensor) -> Tensor:
        return _over(name)(stacked(input, other), -1)

    return extreme


def _clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    low = input if min is None else torch.maximum(input, _tensor(min, input))
    return low if max is None else torch.minimum(low, _tensor(max, input))


def _tensor(bound: Tensor | float, like: Tensor) -> Tensor:
    return bound if isinstance(bound, Tensor) else torch.full_like(like, bound)


@final
class Clamp(Rule):
    """A function of one number between constant bounds; between bounds that depend on the input, a max and a min."""

    def at(self, call: Call) -> Rule:
        return Rescale("kinked") if len(call.inputs) == 1 and call.depends[0] else Written(_clamp)


_ENDINGS = ("", "_with_indices")
_MAXIMA, _MINIMA = ("max", "amax", "maximum"), ("min", "amin", "minimum")
_POOLS = [(f"{kind}max_pool{n}d{ending}", n) for kind in ("", "adaptive_") for n in (1, 2, 3) for ending in _ENDINGS]

RULES: dict[str, Rule] = {
    **{name: Reduction("amax") for name in _MAXIMA},
    **{name: Reduction("amin") for name in _MINIMA},
    **{name: Pooling(spatial) for name, spatial in _POOLS},
    "clamp": Clamp(),
    "clip": Clamp(),
}
