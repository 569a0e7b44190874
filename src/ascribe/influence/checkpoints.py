"""A network put into earlier states, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ascribe.core.state import borrowed
from ascribe.errors import InputError, MethodError

Load = Callable[[nn.Module, Any], float]


@contextmanager
def restoring(model: nn.Module) -> Iterator[None]:
    """Whatever happens to the network's weights, buffers and modes inside is undone."""
    held = {name: tensor.detach().clone() for name, tensor in _tensors(model).items()}
    modes = {module: module.training for module in model.modules()}
    with borrowed(model):
        try:
            yield
        finally:
            with torch.no_grad():
                for name, tensor in _tensors(model).items():
                    tensor.detach().copy_(held[name])
            for module, training in modes.items():
                module.training = training


def visited(model: nn.Module, checkpoints: Sequence[Any], load: Load) -> Iterator[float]:
    """Load one checkpoint after the other, and give the learning rate of each.  Call inside `restoring`.

    Raises MethodError for a loader that gives no finite number.
    """
    for checkpoint in checkpoints:
        rate = load(model, checkpoint)
        if not isinstance(rate, (int, float)) or not math.isfinite(rate):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise MethodError(
                f"checkpoints_load_func gave {rate!r} for {checkpoint!r}; it must load the weights into the network "
                "and return the learning rate, such as 1.0"
            )
        for module in model.modules():
            module.training = False
        yield float(rate)


def network(model: Any) -> nn.Module:
    """The model.  Raises MethodError for what has no parameters to differentiate in."""
    if not isinstance(model, nn.Module):
        raise MethodError(f"the model is {type(model).__name__}; pass the torch.nn.Module itself, with its parameters")
    return model


def checked(checkpoints: Any) -> Sequence[Any]:
    """The checkpoints.  Raises InputError where there is none."""
    if not isinstance(checkpoints, Sequence) or isinstance(checkpoints, str) or len(checkpoints) == 0:
        given = "there are no checkpoints" if checkpoints in ([], ()) else f"checkpoints={checkpoints!r:.60}"
        raise InputError(f"{given}; pass a list of at least one, such as paths that your loader can read")
    return checkpoints


def _tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}
