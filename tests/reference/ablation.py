"""Ablation from the definition: take one feature away at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def ablation(f: Callable[[Tensor], Tensor], x: Tensor, background: Tensor) -> Tensor:
    """f(x) less the mean of f with the feature replaced by the background's, for one row x."""
    whole = float(f(x[None])[0])
    values = torch.zeros(len(x), dtype=torch.float64)
    for i in range(len(x)):
        without: list[float] = []
        for row in background:
            mixed = x.clone()
            mixed[i] = row[i]
            without.append(float(f(mixed[None])[0]))
        values[i] = whole - sum(without) / len(without)
    return values
