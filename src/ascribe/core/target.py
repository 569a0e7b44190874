"""A target: which one number a row of a network's output is explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from ascribe.core.cut import first_tensor
from ascribe.errors import TargetError


@final
@dataclass(frozen=True)
class Neuron:
    """A neuron as target: an entry of a layer's value (`index` without the rows), its only one, "all" of them, or what
    a function of the value gives for each row."""

    layer: str
    index: int | tuple[int, ...] | str | Callable[[Any], Any] | None = None


@runtime_checkable
class Pick(Protocol):
    """Chooses one number a row from an output; `rows` names the data row that each row of the output stands for."""

    def kinds(self, rows: int) -> Int[Tensor, " rows"]:
        """Data rows of the same kind are asked the same question."""
        ...

    def __call__(self, output: Any, rows: Int[Tensor, " n"]) -> Shaped[Tensor, " n"]: ...


@final
@dataclass(frozen=True)
class Entry:
    """One entry of the output, the same in every row; the only one where `index` is empty."""

    index: tuple[int, ...]

    def kinds(self, rows: int) -> Int[Tensor, " rows"]:
        return torch.zeros(rows, dtype=torch.long)

    def __call__(self, output: Any, rows: Int[Tensor, " n"]) -> Shaped[Tensor, " n"]:
        tensor = output_tensor(output, len(rows))
        return tensor[(slice(None), *self.index)].reshape(len(rows))


@final
@dataclass(frozen=True)
class EntryOfRow:
    """One entry of the output, another in every data row."""

    index: Int[Tensor, "rows dims"]

    def kinds(self, rows: int) -> Int[Tensor, " rows"]:
        return torch.unique(self.index, dim=0, return_inverse=True)[1]

    def __call__(self, output: Any, rows: Int[Tensor, " n"]) -> Shaped[Tensor, " n"]:
        tensor = output_tensor(output, len(rows))
        index = self.index.to(tensor.device)[rows.to(tensor.device)]
        return tensor[(torch.arange(len(rows), device=tensor.device), *index.unbind(1))].reshape(len(rows))


@final
@dataclass(frozen=True)
class EveryEntry:
    """Every entry of the output, one after the other: row k of the score is entry `k % count` of a data row."""

    count: int

    def kinds(self, rows: int) -> Int[Tensor, " rows"]:
        return torch.arange(rows) % self.count

    def __call__(self, output: Any, rows: Int[Tensor, " n"]) -> Shaped[Tensor, " n"]:
        tensor = output_tensor(output, len(rows)).reshape(len(rows), -1)
        return tensor.gather(1, (rows.to(tensor.device) % self.count)[:, None])[:, 0]


@final
@dataclass(frozen=True)
class Chosen:
    """Whatever a function of the user makes of the output."""

    choose: Callable[[Any], Any]

    def kinds(self, rows: int) -> Int[Tensor, " rows"]:
        return torch.zeros(rows, dtype=torch.long)

    def __call__(self, output: Any, rows: Int[Tensor, " n"]) -> Shaped[Tensor, " n"]:
        try:
            chosen = self.choose(output)
        except (TypeError, LookupError, AttributeError) as error:
            raise TargetError(
                f"the target function does not run on the network's output ({type(error).__name__}: {error}); "
                "pass a function of the output that gives one number a row"
            ) from error
        tensor = output_tensor(chosen, len(rows))
        if tensor.numel() != len(rows):
            raise TargetError(
                f"the target function gave {tuple(tensor.shape)} for {len(rows)} rows; return one number a row"
            )
        return tensor.reshape(len(rows))


@final
@dataclass(frozen=True)
class Largest:
    """The number, in row-major order, of the largest entry of the output."""

    def kinds(self, rows: int) -> Int[Tensor, " rows"]:
        return torch.zeros(rows, dtype=torch.long)

    def __call__(self, output: Any, rows: Int[Tensor, " n"]) -> Shaped[Tensor, " n"]:
        return output_tensor(output, len(rows)).reshape(len(rows), -1).argmax(1)


def output_tensor(output: Any, rows: int) -> Shaped[Tensor, "rows *rest"]:
    """The tensor in an output: itself, an array, or the first tensor of a tuple.

    Raises TargetError for a dict (no first among equals), for what is no numbers, and for an output without one entry
    a row.
    """
    if isinstance(output, dict):
        keys = ", ".join(repr(key) for key in output)
        raise TargetError(f"the network gives a dict with {keys}; pass target=lambda output: output[...][:, 0], say")
    tensor = first_tensor(output)
    try:
        tensor = torch.from_numpy(np.array(output)) if tensor is None else tensor
    except (TypeError, ValueError) as error:
        raise TargetError(f"the network gives {output!r:.60}; it must give one number a row, or several") from error
    if tensor.ndim == 0 and rows == 1:
        tensor = tensor.reshape(1)
    if tensor.ndim == 0 or len(tensor) != rows:
        raise TargetError(f"the network gives {tuple(tensor.shape)} for {rows} rows; it must give one entry a row")
    if tensor.is_complex():
        raise TargetError("the network gives complex numbers; pass target=lambda output: output.abs(), say")
    return tensor


def as_pick(target: Any, shape: tuple[int, ...], rows: int) -> Pick:
    """The pick that a user's target means for an output of `shape` (without the rows).

    Raises TargetError when it does not name exactly one existing number a row.
    """
    if callable(target):
        return Chosen(target)
    if target is None:
        if prod(shape) != 1:
            raise _unclear("target was not given", shape)
        return Entry((0,) * len(shape))
    if isinstance(target, (int, np.integer)) and not isinstance(target, bool):
        target = (int(target),)
    if isinstance(target, tuple):
        index = _checked(_numbers([target]), shape, target)[0]
        return Entry((0,) * len(shape) if prod(shape) == 1 else tuple(index.tolist()))
    if not isinstance(target, (list, Tensor, np.ndarray)):
        raise _unclear(f"target={target!r}", shape)
    index = _numbers(target)
    if index.numel() == 1 and index.ndim <= 1:
        return as_pick((index.item(),), shape, rows)
    if len(index) != rows:
        raise TargetError(
            f"target has {len(index)} entries for {rows} rows; pass one for each row, or one number for all"
        )
    index = _checked(index.reshape(rows, -1), shape, "target's entry")
    return Entry((0,) * len(shape)) if prod(shape) == 1 else EntryOfRow(index)


def _numbers(target: Any) -> Tensor:
    try:
        return torch.as_tensor(target)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TargetError(
            f"target={target!r:.60} is no table of numbers; pass an index, or one index for each row"
        ) from error


def _checked(index: Tensor, shape: tuple[int, ...], said: Any) -> Tensor:
    if index.numel() == 0:
        raise _unclear(f"target={said!r}", shape)
    if index.is_floating_point() or index.is_complex() or index.dtype == torch.bool:
        raise TargetError(f"targets are whole numbers, but {index.dtype} came; pass target.long()")
    if index.shape[1] == 1 and prod(shape) == 1:
        shape = (1,)
    if index.shape[1] != len(shape):
        raise _unclear(f"target={said!r}", shape)
    size = torch.tensor(shape, device=index.device)
    outside = ((index < -size) | (index >= size)).any(1)
    if bool(outside.any()):
        worst = index[outside][0].tolist()
        raise _unclear(f"target={worst[0] if len(worst) == 1 else tuple(worst)}", shape)
    return torch.where(index < 0, index + size, index)


def _unclear(said: str, shape: tuple[int, ...]) -> TargetError:
    if prod(shape) == 0:
        return TargetError(f"the network gives {shape} a row, which holds no number to explain; take another output")
    if len(shape) == 0:
        return TargetError(f"{said}, but the network gives one number a row; leave target out")
    if len(shape) == 1:
        advice = f'pass target="predicted", "all" or 0 <= target < {shape[0]}'
        return TargetError(f"{said}, but the network gives {shape[0]} outputs (0..{shape[0] - 1}) a row; {advice}")
    example = "(" + ", ".join("0" for _ in shape) + ")"
    return TargetError(f"{said}, but the network gives {shape} a row; pass an index into it, such as target={example}")
