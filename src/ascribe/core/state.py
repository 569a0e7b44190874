"""State is borrowed: what a call changes in the caller's world is given back, whatever happens inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


def network_of(model: Callable[..., Any]) -> nn.Module | None:
    """The network behind a model: the module itself, or the owner of a bound method such as `net.logits`."""
    owner = getattr(model, "__self__", model)
    return owner if isinstance(owner, nn.Module) else None


@contextmanager
def borrowed(network: nn.Module | None) -> Iterator[None]:
    """Evaluation mode, no parameter on the tape, and torch's random streams go on afterwards as if nothing had run.

    A network hidden in a plain function is out of reach: put it into evaluation mode yourself.
    """
    modules = [] if network is None else [m for m in network.modules() if m.training]
    parameters = [] if network is None else [p for p in network.parameters() if p.requires_grad]
    stream = torch.get_rng_state()
    accelerators = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else None
    try:
        # The attribute, not `eval()`: exported programs refuse `eval()`, and some networks do more than switch in it.
        for module in modules:
            module.training = False
        for parameter in parameters:
            parameter.requires_grad_(False)
        yield
    finally:
        for module in modules:
            module.training = True
        for parameter in parameters:
            parameter.requires_grad_(True)
        torch.set_rng_state(stream)
        if accelerators is not None:
            torch.cuda.set_rng_state_all(accelerators)
