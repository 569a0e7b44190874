"""The least work and traffic of a job, by formula.

Of an edge's G + k bases only k + 1 are not 0 at a point, and the base function is one more: k + 2 multiplications and
additions an edge and row. A backward pass does as much again for the weights, and again for the inputs. The bases
themselves cost k (k + 1) multiplications and additions an input and row, and the base function counts as 8 operations;
all outputs share them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple


class Work(NamedTuple):
    flops: float
    bytes: float

    def __add__(self, other: object) -> Work:
        assert isinstance(other, Work)
        return Work(self.flops + other.flops, self.bytes + other.bytes)


def forward(width: Sequence[int], rows: int, order: int = 3, size: int = 4) -> Work:
    """Every layer reads its inputs and writes its outputs."""
    total = Work(0, 0)
    for n, m in itertools.pairwise(width):
        flops = rows * n * (2 * (order + 2) * m + 2 * order * (order + 1) + 8)
        total += Work(flops, size * rows * (n + m))
    return total


def evaluation(width: Sequence[int], rows: int, cells: int, order: int = 3, size: int = 4) -> Work:
    """Values and gradients in all weights: the first layer needs none in its inputs."""
    total = Work(0, 0)
    for l, (n, m) in enumerate(itertools.pairwise(width)):
        passes = 2 if l == 0 else 3
        flops = rows * n * (2 * (order + 2) * m * passes + 4 * order * (order + 1) + 16)
        weights = n * m * (1 + cells + order)
        total += Work(flops, size * (2 * rows * (n + m) + 3 * weights))
    return total


def adam(parameters: int) -> Work:
    """Reads value, gradient and two moments; writes value and moments."""
    return Work(12 * parameters, 4 * 7 * parameters)


def step(width: Sequence[int], rows: int, cells: int, order: int = 3) -> Work:
    weights = sum(n * m * (1 + cells + order) for n, m in itertools.pairwise(width))
    return evaluation(width, rows, cells, order) + adam(weights)
