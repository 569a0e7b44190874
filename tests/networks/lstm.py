"""A recurrent network."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Recurrent(nn.Module):
    """Five time steps of three features to two numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 6, batch_first=True)
        self.head = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


def lstm(dtype: torch.dtype = torch.float32) -> Recurrent:
    """The network, always with the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Recurrent().to(dtype).eval()


def sequences(rows: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Sequences for it."""
    return torch.randn(rows, 5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)
