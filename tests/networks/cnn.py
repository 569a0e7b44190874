"""A small convolutional network with pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CNN(nn.Module):
    """Two channels of 8 x 8 to three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.relu1, self.pool1 = nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.conv2, self.relu2, self.pool2 = nn.Conv2d(4, 3, 3), nn.ReLU(), nn.AvgPool2d(2)
        self.fc = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1(self.relu1(self.conv1(x)))
        return self.fc(self.pool2(self.relu2(self.conv2(x))).flatten(1))


def cnn(dtype: torch.dtype = torch.float32) -> CNN:
    """The network, always with the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CNN().to(dtype).eval()


def images(rows: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Images for it."""
    return torch.randn(rows, 2, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)
