"""A multilayer perceptron of modules that Captum's hooks understand."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    """Eight features; linear layers and rectifiers with names; `scale` is one more argument that is not explained."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.lin1, self.relu1 = nn.Linear(8, 20), nn.ReLU()
        self.lin2, self.relu2 = nn.Linear(20, 10), nn.ReLU()
        self.lin3 = nn.Linear(10, outputs)

    def forward(self, x: Tensor, scale: float | Tensor = 1.0) -> Tensor:
        return self.lin3(self.relu2(self.lin2(self.relu1(self.lin1(x * scale)))))


def mlp(outputs: int = 3, dtype: torch.dtype = torch.float32) -> MLP:
    """The network, always with the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MLP(outputs).to(dtype).eval()


def points(rows: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Rows for it."""
    return torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)
