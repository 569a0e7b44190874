"""A KAN after efficient-kan (github.com/Blealtan/efficient-kan): the same tensors and operations, written anew.

Its idea: all outputs of an input share their bases, so a layer is a matrix product on (batch, in * bases) numbers. The
Cox-de Boor recursion runs over all bases, on knots an input, and divides by the knots' distances at every order.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Layer(nn.Module):
    """silu(x) base + sum of scaled splines; the splines are 0 outside their knots."""

    knots: Tensor

    def __init__(self, inputs: int, outputs: int, cells: int, order: int) -> None:
        super().__init__()
        self.order = order
        steps = torch.arange(-order, cells + order + 1) * (2 / cells) - 1
        self.register_buffer("knots", steps.expand(inputs, -1).contiguous())
        bound = inputs**-0.5
        self.base = nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound))
        self.scale = nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound))
        self.coefficients = nn.Parameter(torch.randn(outputs, inputs, cells + order) * (0.1 / cells))

    def bases(self, x: Tensor) -> Tensor:
        """(batch, in) -> (batch, in, cells + order)."""
        knots, x = self.knots, x[..., None]
        values = ((x >= knots[:, :-1]) & (x < knots[:, 1:])).to(x.dtype)
        for k in range(1, self.order + 1):
            rising = (x - knots[:, : -k - 1]) / (knots[:, k:-1] - knots[:, : -k - 1])
            falling = (knots[:, k + 1 :] - x) / (knots[:, k + 1 :] - knots[:, 1:-k])
            values = rising * values[..., :-1] + falling * values[..., 1:]
        return values

    def forward(self, x: Tensor) -> Tensor:
        weight = (self.coefficients * self.scale[..., None]).flatten(1)
        return F.linear(F.silu(x), self.base) + F.linear(self.bases(x).flatten(1), weight)


def network(width: Sequence[int], cells: int, order: int = 3) -> nn.Sequential:
    return nn.Sequential(*(Layer(n, m, cells, order) for n, m in itertools.pairwise(width)))
