"""Permutation from the definition, for orders of the rows that are given."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def permutation(f: Callable[[Tensor], Tensor], x: Tensor, orders: list[list[int]]) -> tuple[Tensor, Tensor]:
    """The mean over the orders of what a row loses with one entry of another row, and its standard error."""
    values, errors = torch.zeros_like(x), torch.zeros_like(x)
    for row in range(len(x)):
        for entry in range(x.shape[1]):
            lost: list[float] = []
            for order in orders:
                mixed = x[row].clone()
                mixed[entry] = x[order[row], entry]
                lost.append(float(f(x[row][None])[0] - f(mixed[None])[0]))
            mean = sum(lost) / len(lost)
            values[row, entry] = mean
            spread = sum((one - mean) ** 2 for one in lost) / (len(lost) - 1)
            errors[row, entry] = (spread / len(lost)) ** 0.5
    return values, errors
