"""Guided backpropagation and the deconvolution of a multilayer perceptron, layer by layer, in float64."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor


def rectified(
    weights: Sequence[Tensor], biases: Sequence[Tensor], x: Tensor, kind: Literal["guided", "deconvolved"]
) -> Tensor:
    """What one input vector gets back from the single output of `W_n relu(... relu(W_1 x + b_1) ...) + b_n`."""
    value, before = x.double(), list[Tensor]()
    for weight, bias in zip(weights, biases, strict=True):
        before.append(weight.double() @ value + bias.double())
        value = before[-1].clamp_min(0)
    signal = torch.ones(1, dtype=torch.float64)
    for layer in reversed(range(len(weights))):
        if layer + 1 < len(weights):
            signal = torch.where(signal > 0, signal, 0.0)
            if kind == "guided":
                signal = torch.where(before[layer] > 0, signal, 0.0)
        signal = weights[layer].double().T @ signal
    return signal
