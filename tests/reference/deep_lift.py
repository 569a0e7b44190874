"""DeepLIFT's Rescale rule for a multilayer perceptron, as the paper writes it: one chain of multipliers, in float64."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def deep_lift(
    weights: Sequence[Tensor], biases: Sequence[Tensor], squash: Callable[[Tensor], Tensor], x: Tensor, x0: Tensor
) -> Tensor:
    """Contributions of one input vector to the single output of `W_n s(... s(W_1 x + b_1) ...) + b_n`."""
    value, value0 = x.double(), x0.double()
    chain = torch.eye(len(x), dtype=torch.float64)
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        value, value0 = weight.double() @ value + bias.double(), weight.double() @ value0 + bias.double()
        chain = weight.double() @ chain
        if layer + 1 < len(weights):
            squashed, squashed0 = squash(value), squash(value0)
            chain = ((squashed - squashed0) / (value - value0))[:, None] * chain
            value, value0 = squashed, squashed0
    return chain[0] * (x.double() - x0.double())
