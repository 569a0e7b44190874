"""A network after fast-kan (github.com/ZiyaoLi/fast-kan): the same tensors and operations, written anew.

Its idea: Gaussians at even distances instead of B-splines, on inputs that a layer norm keeps in range. It is another
class of functions: neither local nor piecewise polynomial, and without grids that follow the data.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Layer(nn.Module):
    """linear(silu(x)) + linear(Gaussians of the normalised x)."""

    centres: Tensor

    def __init__(self, inputs: int, outputs: int, bases: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(inputs)
        self.register_buffer("centres", torch.linspace(-2, 2, bases))
        self.distance = 4 / (bases - 1)
        self.weight = nn.Parameter(torch.randn(outputs, inputs * bases) * 0.1)
        self.base = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        bumps = torch.exp(-(((self.norm(x)[..., None] - self.centres) / self.distance) ** 2))
        return F.linear(bumps.flatten(1), self.weight) + self.base(F.silu(x))


def network(width: Sequence[int], bases: int) -> nn.Sequential:
    return nn.Sequential(*(Layer(n, m, bases) for n, m in itertools.pairwise(width)))
