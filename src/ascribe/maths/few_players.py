r"""Shapley values of sums of functions of sums, $\sum_j \Phi_j\big(\sum_i g_{ij}(x_i)\big)$, where players are few."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.maths.coalitions import every
from ascribe.maths.indices import shapley_index

FEW = 12  # players: their 4,096 coalitions cost no more than the terms of an expansion
_COPIES = 16  # of the sums of all coalitions, that are held at a time


def acting(
    present: Float[Tensor, "rows subnodes players"], absent: Float[Tensor, "background subnodes players"]
) -> Int[Tensor, " some"]:
    """The players who change a sum of any game."""
    high, low = torch.maximum(present.amax(0), absent.amax(0)), torch.minimum(present.amin(0), absent.amin(0))
    return (high > low).any(0).nonzero()[:, 0]


def coalition_values(
    present: Float[Tensor, "rows subnodes players"],
    absent: Float[Tensor, "background subnodes players"],
    steady: Float[Tensor, "subnodes parts"],
    outer: Callable[[Tensor], Float[Tensor, "n subnodes outputs"]],
    memory: int,
) -> tuple[Float[Tensor, "rows outputs players"], Float[Tensor, "rows outputs players"]]:
    """The values over the whole background; and bounds of their errors: what rounding makes of the sums, and of the
    outer functions, where these are at all 2^players coalitions. The `steady` parts stand in the sums, whoever plays.

    Price: rows background 2^(players + 1) evaluations of the outer functions.
    """
    here = every(present.shape[2]).to(present)
    index, eps = shapley_index(present.shape[2]), torch.finfo(present.dtype).eps
    few = max(1, memory // (8 * _COPIES * len(here) * present.shape[1]))
    terms = present.shape[2] + steady.shape[1]
    values: list[Tensor] = []
    errors: list[Tensor] = []
    for row in present:
        worth = here.new_zeros(())
        error = here.new_zeros(())
        for some in absent.split(few):
            # The numbers themselves are added, not differences: a jump is met where the network meets it.
            sums, sizes = (
                here @ ours.T + (1 - here) @ theirs.mT + rest.sum(1)
                for ours, theirs, rest in ((row, some, steady), (row.abs(), some.abs(), steady.abs()))
            )
            nearby = sums + 4 * eps * terms * sizes
            each, near = (outer(z.flatten(0, 1)).unflatten(0, sums.shape[:2]) for z in (sums, nearby))
            moved = (near - each).abs() + 2 * eps * row.numel() * each.abs()
            worth = worth + each.sum((0, 2)) / len(absent)
            error = error + 2 * moved.sum(2).amax(1).sum(0) / len(absent)
        values.append(index.exact(worth.T.cpu()).to(worth))
        errors.append(error)
    return torch.stack(values), torch.stack(errors)[..., None].expand(-1, -1, present.shape[2])
