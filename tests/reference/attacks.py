"""Attacks from their papers, one row and one entry at a time."""

from __future__ import annotations

import torch
from torch import Tensor


def slope(loss, row: Tensor) -> Tensor:
    leaf = row.clone().requires_grad_()
    return torch.autograd.grad(loss(leaf[None]), leaf)[0]


def sign_step(loss, row: Tensor, step: float) -> Tensor:
    """One step of the sign method for one row."""
    moved = row.clone()
    for i, g in enumerate(slope(loss, row).flatten().tolist()):
        if abs(g) > 1e-6:
            moved.view(-1)[i] += step if g > 0 else -step
    return moved


def descent(loss, row: Tensor, radius: float, step: float, steps: int, norm: str) -> Tensor:
    """Projected descent for one row."""
    at = row.clone()
    for _ in range(steps):
        change = sign_step(loss, at, step) - row
        if norm == "Linf":
            change = torch.stack([c.clamp(-radius, radius) for c in change.flatten()]).reshape(row.shape)
        elif float(change.norm()) > radius:
            change = change * (radius / float(change.norm()))
        at = row + change
    return at
