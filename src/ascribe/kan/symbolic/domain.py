"""Where a function is real, finite and smooth: asked of an interval, as an edge sees one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Domain = Callable[[Float[Tensor, "*shape"], Float[Tensor, "*shape"]], Bool[Tensor, "*shape"]]


def everywhere(low: Float[Tensor, "*shape"], high: Float[Tensor, "*shape"]) -> Bool[Tensor, "*shape"]:
    """All finite numbers."""
    return low.isfinite() & high.isfinite()


def above(bound: float) -> Domain:
    """Larger numbers than `bound`.

    >>> above(0.0)(torch.tensor([-1.0, 0.0, 0.5]), torch.tensor([1.0, 1.0, 1.0]))
    tensor([False, False,  True])
    """
    return lambda low, high: everywhere(low, high) & (low > bound)


def at_least(bound: float) -> Domain:
    """`bound` and larger numbers."""
    return lambda low, high: everywhere(low, high) & (low >= bound)


def between(first: float, last: float) -> Domain:
    """Both ends and what lies between them."""
    return lambda low, high: (low >= first) & (high <= last)


def inside(first: float, last: float) -> Domain:
    """What lies between the ends, without them."""
    return lambda low, high: (low > first) & (high < last)


def away_from(point: float) -> Domain:
    """Intervals that lie on one side of a pole."""
    return lambda low, high: everywhere(low, high) & ((low > point) | (high < point))


def between_poles(first: float, period: float) -> Domain:
    """Intervals without any of the poles first + n period.

    >>> between_poles(torch.pi / 2, torch.pi)(torch.tensor([-1.0, 1.0]), torch.tensor([1.0, 2.0]))
    tensor([ True, False])
    """

    def holds(low: Tensor, high: Tensor) -> Tensor:
        cell, place = torch.floor((low - first) / period), (high - first) / period
        return everywhere(low, high) & (place > cell) & (place < cell + 1) & ((low - first) / period > cell)

    return holds
