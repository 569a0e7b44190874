"""Occlusion from the definition: every window by itself, every entry the mean over the windows that it is in."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor


def occlusion(
    f: Callable[[Tensor], Tensor], x: Tensor, background: Tensor, window: tuple[int, ...], strides: tuple[int, ...]
) -> Tensor:
    """One row x; windows begin at multiples of the stride until one reaches the end, and are cut off there."""
    starts: list[list[int]] = []
    for size, width, stride in zip(x.shape, window, strides, strict=True):
        own = [0]
        while own[-1] + width < size:
            own.append(own[-1] + stride)
        starts.append(own)
    whole = float(f(x[None])[0])
    total, times = torch.zeros_like(x), torch.zeros_like(x)
    for corner in product(*starts):
        inside = torch.zeros_like(x)
        for place in product(*(range(size) for size in x.shape)):
            within = (a <= p < a + w for a, p, w in zip(corner, place, window, strict=True))
            inside[place] = float(all(within))
        covered = [float(f(torch.where(inside > 0, row, x)[None])[0]) for row in background]
        total += inside * (whole - sum(covered) / len(covered))
        times += inside
    return total / times
