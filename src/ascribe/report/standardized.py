"""A network in the units of the table: raw columns in, the target's own units out."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn


class Standardized(nn.Module):
    r"""$\bar y + s_y\, g((x - \bar x) / s_x)$: what a network trained on standardised columns says about raw ones.

    For two classes g has one output and the result is the log-odds of the second class; for more the logits are
    centred, which changes no probability and makes every class count alike.
    """

    def __init__(self, network: nn.Module, mean: Tensor, scale: Tensor, out_mean: float, out_scale: float) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.out_mean, self.out_scale = out_mean, out_scale

    def forward(self, x: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows outputs"]:
        output = self.network((x - self.mean) / self.scale) * self.out_scale + self.out_mean
        return output - output.mean(dim=-1, keepdim=True) if output.shape[-1] > 1 else output


def moments(features: Float[np.ndarray, "rows columns"]) -> tuple[np.ndarray, np.ndarray]:
    """The mean and the standard deviation of each column; 1 where a column does not vary."""
    scale = features.std(axis=0)
    return features.mean(axis=0), np.where(scale > 0, scale, 1.0)


def probabilities(output: Float[Tensor, "rows outputs"]) -> Float[Tensor, "rows classes"]:
    """The probabilities that log-odds (one output) or logits (more) stand for."""
    return torch.softmax(torch.cat([torch.zeros_like(output), output], 1) if output.shape[1] == 1 else output, dim=1)
