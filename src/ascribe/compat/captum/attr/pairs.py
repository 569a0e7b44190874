"""DeepLift for every pair of a row and a baseline, with what the user makes of its multipliers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from ascribe.compat.captum.attr.outputs import as_tuple
from ascribe.errors import MethodError


def paired(given: Mapping[str, Any], baselines: Any) -> tuple[dict[str, Any], int]:
    """The arguments of `attribute` with every row as often as there are baselines, which take turns; how many."""
    inputs = as_tuple(given["inputs"])
    rows, count = len(inputs[0]), len(as_tuple(baselines)[0])

    def each(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(each, value))
        if isinstance(value, list) and len(value) == rows:
            return [entry for entry in value for _ in range(count)]
        if isinstance(value, Tensor) and value.ndim and len(value) == rows:
            return value.repeat_interleave(count, 0)
        return value

    turns = tuple(part.repeat(rows, *[1] * (part.ndim - 1)) for part in as_tuple(baselines))
    more = {name: each(given.get(name)) for name in ("inputs", "target", "additional_forward_args") if name in given}
    return {**given, **more, "baselines": turns if isinstance(baselines, tuple) else turns[0]}, count


def mean_of_pairs(nest: Any, count: int) -> Any:
    """The mean over each row's pairs."""
    if isinstance(nest, tuple):
        return tuple(mean_of_pairs(part, count) for part in nest)
    return nest.unflatten(0, (-1, count)).mean(1)


def like(baselines: Any, inputs: Any) -> tuple[Tensor, ...]:
    """Baselines of every form as tensors like the inputs."""
    parts = as_tuple(inputs)
    given = as_tuple(baselines) if baselines is not None else (0,) * len(parts)
    return tuple(
        torch.as_tensor(baseline, dtype=x.dtype, device=x.device).expand_as(x)
        for baseline, x in zip(given, parts, strict=True)
    )


def made(
    function: Callable[..., Any], multipliers: Any, inputs: tuple[Tensor, ...], baselines: tuple[Tensor, ...]
) -> Any:
    """What the user's function makes of multipliers, inputs and baselines, of as many of them as it takes."""
    count = len(signature(function).parameters)
    if not 1 <= count <= 3:
        raise MethodError(
            f"custom_attribution_func takes {count} arguments; let it take multipliers, inputs and baselines."
        )
    found = function(*(as_tuple(multipliers), inputs, baselines)[:count])
    found = as_tuple(found)
    if len(found) != len(as_tuple(multipliers)):
        raise MethodError(
            f"custom_attribution_func gave {len(found)} tensors for {len(as_tuple(multipliers))} inputs; let it give a "
            "tuple of one for each."
        )
    return found if isinstance(multipliers, tuple) else found[0]
