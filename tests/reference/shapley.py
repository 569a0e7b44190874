"""Shapley values from the definition: the mean over all orders of what a player adds when it joins."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor


def worth(f: Callable[[Tensor], Tensor], x: Tensor, background: Tensor, present: set[int]) -> float:
    """The mean of f over the background, with the present features taken from the one row x."""
    total = 0.0
    for row in background:
        mixed = torch.stack([x[i] if i in present else row[i] for i in range(len(x))])
        total += float(f(mixed[None])[0])
    return total / len(background)


def shapley(f: Callable[[Tensor], Tensor], x: Tensor, background: Tensor) -> Tensor:
    """Exact values for one row x over background rows."""
    orders = list(itertools.permutations(range(len(x))))
    values = torch.zeros(len(x), dtype=torch.float64)
    for order in orders:
        present: set[int] = set()
        before = worth(f, x, background, present)
        for player in order:
            present.add(player)
            after = worth(f, x, background, present)
            values[player] += after - before
            before = after
    return values / len(orders)
