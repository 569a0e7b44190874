"""Local surrogate models from their definitions, one row and one sample at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def ridge(x: Tensor, y: Tensor, w: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Normal equations with a column of ones that is not penalised, and White's standard errors."""
    design = torch.cat([torch.ones(len(x), 1).to(x), x], 1)
    penalty = alpha * torch.eye(design.shape[1]).to(x)
    penalty[0, 0] = 0
    inverse = torch.linalg.inv(design.T @ torch.diag(w) @ design + penalty)
    c = inverse @ design.T @ (w * y)
    residual = y - design @ c
    spread = sum((w[k] * residual[k]) ** 2 * torch.outer(design[k], design[k]) for k in range(len(x)))
    used = torch.trace(design @ inverse @ design.T @ torch.diag(w))
    covariance = inverse @ spread @ inverse * len(x) / (len(x) - used)
    return c[1:], covariance.diagonal().sqrt()[1:]


def proximity(whole: Tensor, changed: Tensor, distance: str, width: float) -> float:
    """The kernel of one changed row."""
    if distance == "cosine":
        lengths = float(whole.norm() * changed.norm())
        away = 1 - (float((whole * changed).sum()) / lengths if lengths > 0 else 0.0)
    else:
        away = float((whole - changed).norm())
    return math.exp(-(away**2) / (2 * width**2))


def lime(
    f: Callable[[Tensor], Tensor],
    x: Tensor,
    background: Tensor,
    present: Tensor,
    draws: list[int],
    kernel: tuple[str, float, str],
    alpha: float,
) -> tuple[Tensor, Tensor]:
    """One row x, the coalitions asked about and the background row that each meets."""
    distance, width, of = kernel
    worths: list[float] = []
    weights: list[float] = []
    for coalition, draw in zip(present, draws, strict=True):
        changed = torch.where(coalition, x, background[draw])
        worths.append(float(f(changed[None])[0]))
        ones = torch.ones(len(coalition)).to(x)
        pair = (x, changed) if of == "entries" else (ones, coalition.to(x))
        weights.append(proximity(*pair, distance, width))
    return ridge(present.to(x), torch.tensor(worths, dtype=x.dtype), torch.tensor(weights, dtype=x.dtype), alpha)
