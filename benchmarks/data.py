"""The data of the jobs, drawn from generators of their own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Dataset = dict[str, Tensor]


def uniform(rows: int, columns: int, seed: int = 0) -> Tensor:
    """Between -1 and 1."""
    return 2 * torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed)) - 1


def four_inputs() -> Dataset:
    """Three inputs of falling importance, and a fourth that does nothing."""
    return _split(4, lambda x: x[:, [0]] ** 2 + 0.3 * x[:, [1]] + 0.1 * x[:, [2]] ** 3)


def two_inputs() -> Dataset:
    return _split(2, lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2))


def hundred_inputs() -> Dataset:
    """The squares of 100 inputs, each weighted half as much as the one before."""
    return _split(100, lambda x: (x**2 @ 0.5 ** torch.arange(100.0))[:, None])


def _split(columns: int, function: Callable[[Tensor], Tensor]) -> Dataset:
    """1,000 rows to learn from and 1,000 to test on."""
    x = uniform(2000, columns)
    y = function(x)
    return {"train_input": x[:1000], "train_label": y[:1000], "test_input": x[1000:], "test_label": y[1000:]}
