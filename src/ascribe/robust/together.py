"""Several versions of an input that go through a network together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ascribe.core.nest import leaves
from ascribe.core.state import borrowed, network_of
from ascribe.errors import InputError


def outputs(
    model: Callable[..., Any], versions: Sequence[Any], given: tuple[Any, ...] = (), *, lone: bool = False
) -> list[Any]:
    """The model's output on every version, from one call of the network in evaluation mode and without gradients.

    With `lone` a tuple is one argument of the model, and not several.  Raises InputError for outputs that cannot be
    told apart.
    """
    sizes = [_rows(version) for version in versions] if len(versions) > 1 else []
    x = joined(versions) if len(versions) > 1 else versions[0]
    arguments = (x,) if lone or not isinstance(x, tuple) else x
    with borrowed(network_of(model)), torch.no_grad():
        output = model(*arguments, *_repeated(given, len(versions)))
    if not sizes:
        return [output]
    if not isinstance(output, Tensor) or len(output) != sum(sizes):
        shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise InputError(f"the model gives {shape} for {sum(sizes)} rows of {len(sizes)} inputs; run them one by one")
    return list(output.split(sizes))


def joined(versions: Sequence[Any]) -> Any:
    """Tensors one below the other; tuples of tensors each by itself."""
    first = versions[0]
    if isinstance(first, Tensor):
        return torch.cat([version.to(first.device) for version in versions])
    if isinstance(first, (tuple, list)):
        return tuple(joined([version[i] for version in versions]) for i in range(len(first)))
    raise InputError(f"inputs of {type(first).__name__} cannot go through together; run them one by one")


def _rows(version: Any) -> int:
    return len(leaves(version)[0])


def _repeated(given: tuple[Any, ...], times: int) -> tuple[Any, ...]:
    """Tensors of further arguments as many times as there are versions."""
    if times == 1:
        return given
    return tuple(g.repeat(times, *[1] * (g.ndim - 1)) if isinstance(g, Tensor) and g.ndim else g for g in given)
