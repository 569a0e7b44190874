"""What a function gives for its inputs: numbers for every row, or one for the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from ascribe.compat.captum.attr.attribution import as_positions
from ascribe.core.cut import first_tensor
from ascribe.core.state import borrowed, network_of


@final
@dataclass(frozen=True)
class Output:
    """The shape of an output after the target is picked; `by_row` says whether its first dimension is the rows."""

    by_row: bool
    shape: tuple[int, ...]
    dtype: torch.dtype


def as_tuple(inputs: Any) -> tuple[Any, ...]:
    """One tensor or several as several."""
    return inputs if isinstance(inputs, tuple) else (inputs,)


def output_of(function: Callable[..., Any], given: Mapping[str, Any]) -> Output:
    """Run the function once on the inputs and see.

    What one row gives does not tell whether its length is that of the rows: then the row is run twice, side by side.
    """
    inputs, more = as_tuple(given["inputs"]), as_positions(given.get("additional_forward_args")) or ()
    rows = len(inputs[0])
    with borrowed(network_of(function)), torch.no_grad():
        output = first_tensor(found := function(*inputs, *more))
        if output is None:
            return Output(False, (), torch.float64 if isinstance(found, float) else torch.as_tensor(found).dtype)
        by_row = output.ndim > 0 and len(output) == rows
        if by_row and rows == 1:
            both = [
                torch.cat([x, x]) if isinstance(x, Tensor) and x.ndim and len(x) == 1 else x for x in (*inputs, *more)
            ]
            twice = first_tensor(function(*both))
            by_row = twice is not None and len(twice) == 2
    left = output.shape if not _picks(given.get("target"), output) else output.shape[:1]
    return Output(by_row, tuple(left), output.dtype)


def of_rows(given: Mapping[str, Any], rows: Tensor) -> dict[str, Any]:
    """The arguments of `attribute` for some of the rows; what has no entry for each row stays."""
    count, one_each = len(as_tuple(given["inputs"])[0]), ("inputs", "baselines", "target", "additional_forward_args")

    def taken(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(taken, value))
        if isinstance(value, Tensor) and value.ndim and len(value) == count:
            return value[rows.to(value.device)]
        if isinstance(value, list) and len(value) == count:
            return [value[row] for row in rows.tolist()]
        return value

    return {name: taken(value) if name in one_each else value for name, value in given.items()}


def _picks(target: Any, output: Tensor) -> bool:
    return target is not None and output.ndim > 1


def _tensor(found: Any) -> Tensor:
    return torch.tensor(found, dtype=torch.float64) if isinstance(found, float) else torch.as_tensor(found)


def of_whole_batch(function: Callable[..., Any], given: Mapping[str, Any]) -> Callable[..., Tensor]:
    """The function of many batches, stacked in front: what it gives for each, in a row."""
    more, target = as_positions(given.get("additional_forward_args")) or (), given.get("target")

    def each(*stacks: Tensor) -> Tensor:
        found = [_tensor(function(*(stack[i] for stack in stacks), *more)) for i in range(len(stacks[0]))]
        if target is not None and found[0].ndim > 1:
            index = target if isinstance(target, tuple) else (target,)
            found = [output[(slice(None), *index)] for output in found]
        return torch.stack([output.flatten() for output in found])

    return each
