"""Steps of normalisations and recurrent cells that are functions of their own, so that a rule can stand for them."""

from __future__ import annotations

from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function


def gated(signal: Tensor, gate: Tensor) -> Tensor:
    """`signal * gate`, where the gate says how much of the signal passes: an LSTM's gates, one over a spread."""
    if has_torch_function((signal, gate)):
        return handle_torch_function(gated, (signal, gate), signal, gate)
    return signal * gate


def centred(x: Tensor, dims: list[int]) -> Tensor:
    """x less its mean over these dimensions."""
    if has_torch_function((x,)):
        return handle_torch_function(centred, (x,), x, dims)
    return x - x.mean(dims, keepdim=True)
