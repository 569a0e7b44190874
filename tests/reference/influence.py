"""Influence of training examples from the papers: one example, one pair, one derivative at a time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.func import functional_call


def gradient(model, names: list[str], loss, x: Tensor, y: Tensor) -> Tensor:
    """The gradient of one example's loss."""
    held = {name: p.detach() for name, p in model.named_parameters()}
    leaves = {name: held[name].clone().requires_grad_() for name in names}
    total = loss(functional_call(model, held | leaves, (x[None],)), y[None]).sum()
    return torch.cat([g.flatten() for g in torch.autograd.grad(total, list(leaves.values()))])


def tracin(model, names: list[str], loss, checkpoints: list, load, test, train) -> Tensor:
    """The sum over checkpoints of the learning rate times the product of gradients, pair by pair."""
    scores = torch.zeros(len(test[0]), len(train[0]), dtype=torch.float64)
    for checkpoint in checkpoints:
        rate = load(model, checkpoint)
        for i in range(len(test[0])):
            for j in range(len(train[0])):
                a = gradient(model, names, loss, test[0][i], test[1][i])
                b = gradient(model, names, loss, train[0][j], train[1][j])
                scores[i, j] += rate * float((a * b).sum())
    return scores


def influence(model, names: list[str], loss, damping: float, test, train) -> Tensor:
    """Test gradient times inverse of the damped second derivative times training gradient."""
    held = {name: p.detach() for name, p in model.named_parameters()}
    sizes = [held[name].numel() for name in names]

    def whole(vector: Tensor) -> Tensor:
        parts = {n: v.reshape(held[n].shape) for n, v in zip(names, vector.split(sizes), strict=True)}
        rows = range(len(train[0]))
        return sum(
            loss(functional_call(model, held | parts, (train[0][i : i + 1],)), train[1][i : i + 1]) for i in rows
        )

    start = torch.cat([held[name].flatten() for name in names])
    inverse = torch.linalg.inv(
        torch.autograd.functional.hessian(whole, start) + damping * torch.eye(len(start)).double()
    )
    a = torch.stack([gradient(model, names, loss, x, y) for x, y in zip(*test, strict=True)])
    b = torch.stack([gradient(model, names, loss, x, y) for x, y in zip(*train, strict=True)])
    return a @ inverse @ b.T


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def load(model, seed: int) -> float:
    """A checkpoint is the seed of its weights; the learning rate follows from it."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(generator=generator)
    return 0.1 * (seed + 1)
