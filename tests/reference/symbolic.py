"""Affine fits by exhaustion: every (a, b) of a fine grid, c and d by least squares, and again around the best."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def error_at(f: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, a: float, b: float) -> float:
    """The least squared error over the variance of y for given a and b; 1 where f is not finite."""
    values = f(a * x + b)
    if not bool(values.isfinite().all()):
        return 1.0
    columns = torch.stack([values, torch.ones_like(values)], 1)
    weights = torch.linalg.lstsq(columns, y[:, None], driver="gelsd").solution
    left = y - (columns @ weights)[:, 0]
    return float(left.square().mean() / (y - y.mean()).square().mean())


def exhaustive(
    f: Callable[[Tensor], Tensor],
    domain: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    y: Tensor,
    points: int = 61,
    rounds: int = 4,
) -> float:
    """The least error on grids over a, b in [-10, 10], each a tenth as wide as the one before."""
    (a, b), width, best = (0.0, 0.0), 10.0, 1.0
    for _ in range(rounds):
        steps = torch.linspace(-width, width, points, dtype=torch.float64)
        A, B = torch.meshgrid((a + steps).clamp(-10, 10), (b + steps).clamp(-10, 10), indexing="ij")
        A, B = A.flatten(), B.flatten()
        ends = torch.stack([A * x.min() + B, A * x.max() + B])
        allowed = domain(ends.amin(0), ends.amax(0))
        values = f(A[:, None] * x + B[:, None])
        values = values - values.mean(1, keepdim=True)
        centred = y - y.mean()
        variance = values.square().mean(1)
        r2 = (values @ centred / len(x)).square() / (variance * centred.square().mean())
        usable = allowed & r2.isfinite() & (variance > 1e-20)
        if not bool(usable.any()):
            return 1.0
        place = int(torch.where(usable, r2, -1.0).argmax())
        a, b = float(A[place]), float(B[place])
        best = min(best, error_at(f, x, y, a, b))
        width /= 10
    return best
