"""Methods under noise as the papers have them: every draw is kept, then the plain formulas, in float64."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def draws(method: Callable[[Tensor], Tensor], x: Tensor, sigma: Tensor, count: int, seed: int) -> Tensor:
    """The method's values at noisy inputs, one after the other; all rows meet the same noise."""
    generator = torch.Generator().manual_seed(seed)
    noise = [torch.randn(x[:1].shape, generator=generator, dtype=x.dtype) for _ in range(count)]
    return torch.stack([method(x + sigma * one) for one in noise])


def smooth_grad(found: Tensor) -> Tensor:
    """Smilkov et al. (2017), section 3.1: the mean."""
    return found.sum(0) / len(found)


def smooth_grad_squared(found: Tensor) -> Tensor:
    """Hooker et al. (2019), section 4.1: the mean of squares."""
    return (found**2).sum(0) / len(found)


def var_grad(found: Tensor, unbiased: bool) -> Tensor:
    """Adebayo et al. (2018), appendix: the variance."""
    away = found - found.sum(0) / len(found)
    return (away**2).sum(0) / (len(found) - unbiased)
