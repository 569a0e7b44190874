"""What layers of a network make of inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from ascribe.core.cut import cut_at
from ascribe.core.state import borrowed, network_of
from ascribe.errors import AscribeError, InputError


def layer_names(model: nn.Module, at: str | nn.Module | Sequence[str | nn.Module]) -> list[str]:
    """The names of one layer or several.  Raises LayerError for one that the network does not have.

    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> layer_names(net, net[1]), layer_names(net, ["0:in", net[0]])
    (['1'], ['0:in', '0'])
    """
    layers = [at] if isinstance(at, (str, nn.Module)) else list(at)
    return [layer if isinstance(layer, str) else cut_at(model, layer).name for layer in layers]


def activations(
    model: nn.Module | Callable[..., Any], layers: Sequence[str | nn.Module], inputs: tuple[Any, ...]
) -> list[Tensor]:
    """The value at every layer ("encoder.2", "encoder.2:in", or the module) for a batch, in evaluation mode.

    Raises LayerError for a layer that the network does not have, or that does not run.

    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> [tuple(value.shape) for value in activations(net, ["0:in", net[1]], (torch.ones(4, 2),))]
    [(4, 2), (4, 3)]
    """
    network = network_of(model)
    with borrowed(network), torch.no_grad(), ExitStack() as stack:
        seen = [stack.enter_context(cut_at(network, layer).seeing()) for layer in layers]
        try:
            model(*inputs)
        except (RuntimeError, TypeError, ValueError, LookupError) as error:
            if isinstance(error, AscribeError) or "out of memory" in str(error):
                raise
            given = ", ".join(
                str(tuple(part.shape)) if isinstance(part, Tensor) else repr(part)[:40] for part in inputs
            )
            raise InputError(
                f"the model does not run on a batch of {given} ({type(error).__name__}: {error}); "
                "pass batches as the model takes them"
            ) from error
    return [values[0].detach() for values in seen]
