"""A ResNet-18 as people write it: functional rectifiers, one pooling used again, residual sums in place and not."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions beside a shortcut; one functional and one module rectifier, which is used in place."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.bn1(self.conv1(x)))
        h = self.bn2(self.conv2(h))
        h += self.shortcut(x)
        return self.relu(h)


class ResNet18(nn.Module):
    """Eight blocks in four stages of 1, 2, 4 and 8 times `width` channels; for images of 16 pixels or more."""

    def __init__(self, width: int = 64, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.stages = nn.ModuleList()
        before = width
        for stage in range(4):
            after = width * 2**stage
            blocks = [Block(before, after, 1 if stage == 0 else 2), Block(after, after, 1)]
            self.stages.append(nn.Sequential(*blocks))
            before = after
        self.head = nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = F.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in self.stages:
            h = stage(h)
        return self.head(torch.flatten(F.adaptive_avg_pool2d(h, 1), 1))


def resnet18(
    width: int = 4, classes: int = 5, channels: int = 3, seed: int = 0, dtype: torch.dtype = torch.float32
) -> ResNet18:
    """A narrow one with random weights, in evaluation mode, whose stored statistics are no trivial ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = ResNet18(width, classes, channels)
        for layer in net.modules():
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.running_mean, 0, 0.2)
                nn.init.uniform_(layer.running_var, 0.5, 1.5)
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                nn.init.normal_(layer.bias, 0, 0.2)
    return net.to(dtype).eval()
