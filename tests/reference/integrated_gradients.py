"""Path methods as the papers have them: a sum over many midpoints, one row and one point at a time, in float64."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def integrated_gradients(f: Callable[[Tensor], Tensor], x: Tensor, x0: Tensor, steps: int = 4000) -> Tensor:
    """Equations 1 and 3 of Sundararajan, Taly & Yan (2017) for one row."""
    total = torch.zeros_like(x)
    for k in range(steps):
        point = (x0 + (k + 0.5) / steps * (x - x0)).requires_grad_()
        total += torch.autograd.grad(f(point[None]).sum(), point)[0] / steps
    return (x - x0) * total


def conductance(
    before: Callable[[Tensor], Tensor], behind: Callable[[Tensor], Tensor], x: Tensor, x0: Tensor, steps: int = 4000
) -> Tensor:
    """Definition of Dhamdhere, Sundararajan & Yan (2018) for one row: dF/dh times the layer's step, step by step."""
    total = torch.zeros_like(before(x[None])[0])
    for k in range(steps):
        start, middle, end = (before((x0 + (k + s) / steps * (x - x0))[None]).detach() for s in (0.0, 0.5, 1.0))
        middle.requires_grad_()
        total += (torch.autograd.grad(behind(middle).sum(), middle)[0] * (end - start))[0]
    return total


def path_gradients(f: Callable[[Tensor], Tensor], point: Callable[[float], Tensor], steps: int = 4000) -> Tensor:
    """The line integral of the gradient: at the middle of every step, times the step."""
    total = torch.zeros_like(point(0.0))
    for k in range(steps):
        middle = point((k + 0.5) / steps).requires_grad_()
        slope = torch.autograd.grad(f(middle[None]).sum(), middle)[0]
        total += slope * (point((k + 1) / steps) - point(k / steps))
    return total


def mean_gradient(f: Callable[[Tensor], Tensor], point: Callable[[float], Tensor], steps: int = 4000) -> Tensor:
    """The gradient's mean over the time of a path."""
    total = torch.zeros_like(point(0.0))
    for k in range(steps):
        middle = point((k + 0.5) / steps).requires_grad_()
        total += torch.autograd.grad(f(middle[None]).sum(), middle)[0] / steps
    return total


def internal_influence(
    before: Callable[[Tensor], Tensor], behind: Callable[[Tensor], Tensor], x: Tensor, x0: Tensor, steps: int = 4000
) -> Tensor:
    """Definition 1 of Leino et al. (2018) over the straight path, for one row: the mean of dF/dh."""
    total = torch.zeros_like(before(x[None])[0])
    for k in range(steps):
        h = before((x0 + (k + 0.5) / steps * (x - x0))[None]).detach().requires_grad_()
        total += torch.autograd.grad(behind(h).sum(), h)[0][0] / steps
    return total.detach()


def neuron_conductance(
    before: Callable[[Tensor], Tensor],
    behind: Callable[[Tensor], Tensor],
    x: Tensor,
    x0: Tensor,
    neuron: int,
    steps: int = 4000,
) -> Tensor:
    """Equation 2 of Dhamdhere, Sundararajan & Yan (2018) for one row and one neuron of a flat layer."""
    total = torch.zeros_like(x)
    for k in range(steps):
        point = (x0 + (k + 0.5) / steps * (x - x0)).requires_grad_()
        h = before(point[None])
        pull = torch.autograd.grad(behind(h).sum(), h, retain_graph=True)[0][0, neuron]
        slope = torch.autograd.grad(h[0, neuron], point)[0]
        total += pull.detach() * slope * (x - x0) / steps
    return total
