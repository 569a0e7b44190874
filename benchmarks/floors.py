"""The least work and traffic of a job, by formula.

A value of an edge is a polynomial of order k, by Horner's rule k multiplications and additions, and one more for the
base function: k + 1 an edge and row. A gradient in the weights is a product with the k + 1 bases that are not 0 and
the base function: k + 2. A gradient in the inputs is a polynomial again, summed over the outputs: k + 1. Bases cost k
(k + 1) multiplications and additions an input and row, and a base function counts as 8 operations; all outputs share
them.
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
    """Inputs are read and outputs written; what is between may stay in cache."""
    layers = list(itertools.pairwise(width))
    flops = sum(rows * n * (2 * (order + 1) * m + 8) for n, m in layers)
    return Work(flops, size * rows * (width[0] + width[-1]))


def evaluation(width: Sequence[int], rows: int, cells: int, order: int = 3, size: int = 4) -> Work:
    """Values, and gradients in all weights; the first layer needs none in its inputs.

    Weights are read forward and back and their gradients written; the inputs of every layer are read in both passes.
    """
    total = Work(0, 0)
    for l, (n, m) in enumerate(itertools.pairwise(width)):
        multiplied = (order + 1) + (order + 2) + (order + 1 if l else 0)
        flops = rows * n * (2 * m * multiplied + 2 * order * (order + 1) + 8)
        total += Work(flops, size * (2 * rows * n + rows * m + 3 * n * m * (1 + cells + order)))
    return total


def adam(parameters: int) -> Work:
    """Reads value, gradient and two moments; writes value and moments."""
    return Work(12 * parameters, 4 * 7 * parameters)


def step(width: Sequence[int], rows: int, cells: int, order: int = 3) -> Work:
    weights = sum(n * m * (1 + cells + order) for n, m in itertools.pairwise(width))
    return evaluation(width, rows, cells, order) + adam(weights)
