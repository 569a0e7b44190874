"""ResNet-18 (He et al. 2016), with the parameter names of the weights that are widely shared.

net = resnet18("resnet18.safetensors")  # or a state dict that torch.save wrote; nothing in it is run
net = resnet18(classes=10, width=16)    # random weights, a quarter as wide
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions beside a shortcut, which is one convolution of size 1 where the shape changes."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            shortcut = nn.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(h)) + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """Images (rows, 3, height, width) to scores (rows, classes)."""

    def __init__(self, classes: int = 1000, width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = nn.Sequential(Block(width, width, 1), Block(width, width, 1))
        self.layer2 = nn.Sequential(Block(width, 2 * width, 2), Block(2 * width, 2 * width, 1))
        self.layer3 = nn.Sequential(Block(2 * width, 4 * width, 2), Block(4 * width, 4 * width, 1))
        self.layer4 = nn.Sequential(Block(4 * width, 8 * width, 2), Block(8 * width, 8 * width, 1))
        self.fc = nn.Linear(8 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def resnet18(weights: str | Path | None = None, *, classes: int = 1000, width: int = 64) -> ResNet18:
    """The network, in evaluation mode, with the weights of a file; without one, random as the global seed has them."""
    net = ResNet18(classes, width)
    if weights is not None:
        path = Path(weights)
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
        net.load_state_dict(state)
    return net.eval()
