"""Statistics of a stream of tensors, entry by entry, that hold no more than their own size."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor


@final
class Moments:
    r"""Count, mean and $\sum_k (x_k - \bar x)^2$ of the tensors seen so far: one pass, nothing cancels.

    The mean of whole numbers is in float64.  Source: Welford (1962), "Note on a method for calculating corrected sums
    of squares and products".

    >>> seen = Moments()
    >>> for x in (1.0, 2.0, 6.0):
    ...     seen.update(torch.tensor(x))
    >>> seen.mean, seen.squares, seen.variance(order=1)
    (tensor(3.), tensor(14.), tensor(7., dtype=torch.float64))
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: Tensor | None = None
        self.squares: Tensor | None = None

    def update(self, x: Tensor) -> None:
        """See one more tensor, of the shape of the others."""
        x = x if x.is_floating_point() else x.double()
        self.count += 1
        if self.mean is None or self.squares is None:
            self.mean, self.squares = x.clone(), torch.zeros_like(x)
            return
        step = x - self.mean
        self.mean = self.mean + step / self.count
        self.squares = self.squares + step * (x - self.mean)

    def variance(self, order: int = 0) -> Tensor | None:
        """The squares over count - order in float64; zero where there are no more than `order`; None before any."""
        if self.squares is None:
            return None
        if self.count <= order:
            return torch.zeros_like(self.squares)
        return self.squares.double() / (self.count - order)
