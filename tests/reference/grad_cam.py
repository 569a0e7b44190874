"""Grad-CAM as the paper has it: equations 1 and 2, one row, one channel and one place at a time, in float64."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def channel_maps(behind: Callable[[Tensor], Tensor], h: Tensor) -> Tensor:
    """The weighted map of every channel of one row's value h (channels, height, width)."""
    h = h.detach().requires_grad_()
    slope = torch.autograd.grad(behind(h[None]).sum(), h)[0]
    maps = torch.zeros_like(h)
    channels, height, width = h.shape
    for c in range(channels):
        weight = sum(slope[c, i, j] for i in range(height) for j in range(width)) / (height * width)
        for i in range(height):
            for j in range(width):
                maps[c, i, j] = weight * h[c, i, j]
    return maps.detach()


def grad_cam(behind: Callable[[Tensor], Tensor], h: Tensor) -> Tensor:
    """The rectified sum of the channels' maps."""
    total = channel_maps(behind, h).sum(0, keepdim=True)
    return torch.where(total > 0, total, torch.zeros_like(total))


def repeated(values: Tensor, height: int, width: int) -> Tensor:
    """The map (1, h, w) on a grid of whole multiples, every value in all places of its area."""
    rows, columns = height // values.shape[1], width // values.shape[2]
    fine = torch.zeros(1, height, width, dtype=values.dtype)
    for i in range(height):
        for j in range(width):
            fine[0, i, j] = values[0, i // rows, j // columns]
    return fine
