"""A bag of word vectors beside numbers: token ids and features as two inputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Bag(nn.Module):
    """Six token ids, whose vectors are averaged, and two numbers, to three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(12, 4)
        self.lin, self.tanh, self.out = nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)

    def forward(self, ids: Tensor, numbers: Tensor) -> Tensor:
        return self.out(self.tanh(self.lin(torch.cat([self.embedding(ids).mean(1), numbers], 1))))


def bag(dtype: torch.dtype = torch.float32) -> Bag:
    """The network, always with the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Bag().to(dtype).eval()


def words(rows: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Ids and numbers for it."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 12, (rows, 6), generator=generator)
    return ids, torch.randn(rows, 2, generator=generator, dtype=torch.float64).to(dtype)
