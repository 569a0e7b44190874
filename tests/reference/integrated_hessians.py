"""Integrated Hessians as the paper has them, for one row, in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def integrated_hessians(f: Callable[[Tensor], Tensor], x: Tensor, x0: Tensor, steps: int = 14) -> Tensor:
    """Equations 5 and 6 of Janizek et al. (2021): a Hessian at every node of the unit square, for smooth scores."""
    away = x - x0
    total = torch.zeros(len(x), len(x), dtype=x.dtype)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    for alpha, w in zip((nodes + 1) / 2, weights / 2, strict=True):
        for beta, v in zip((nodes + 1) / 2, weights / 2, strict=True):
            point = x0 + alpha * beta * away
            hessian = torch.autograd.functional.hessian(lambda y: f(y[None]).sum(), point)
            slope = torch.autograd.functional.jacobian(lambda y: f(y[None]).sum(), point)
            total += w * v * (alpha * beta * torch.outer(away, away) * hessian + torch.diag(away * slope))
    return total


def gradients_of_gradients(
    f: Callable[[Tensor], Tensor], x: Tensor, x0: Tensor, steps: int = 400, inner: int = 4000, width: float = 1e-2
) -> Tensor:
    """Definition 1: the integrated gradients of every integrated gradient, by differences; kinks are no matter."""

    def attributions(points: Tensor) -> Tensor:
        t = (torch.arange(inner, dtype=x.dtype) + 0.5) / inner
        path = (x0 + t[:, None, None] * (points - x0)).requires_grad_()
        return (points - x0) * torch.autograd.grad(f(path.flatten(0, 1)).sum(), path)[0].mean(0)

    total = torch.zeros(len(x), len(x), dtype=x.dtype)
    step = width * torch.eye(len(x), dtype=x.dtype)
    for k in range(steps):
        point = x0 + (k + 0.5) / steps * (x - x0)
        difference = attributions(point + step) - attributions(point - step)
        total += difference.T * (x - x0) / (2 * width) / steps
    return total
