"""Evaluations that ask for several outputs at one point, joined so that the network sees the point once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor


@final
@dataclass(frozen=True)
class Points:
    """Evaluation k is at point `member[k]`, and `first[p]` is the first evaluation at point p."""

    first: Int[Tensor, " points"]
    member: Int[Tensor, " n"]

    @classmethod
    def joined(cls, z: Float[Tensor, "n *shape"], row: Int[Tensor, " n"]) -> Points:
        """Neighbours of the same data row and the same values are one point.

        >>> Points.joined(torch.tensor([[1.0], [1.0], [2.0]]), torch.tensor([0, 0, 0])).member.tolist()
        [0, 0, 1]
        """
        fresh = torch.ones(len(z), dtype=torch.bool, device=z.device)
        fresh[1:] = (z[1:] != z[:-1]).flatten(1).any(1) | (row[1:] != row[:-1])
        return cls(fresh.nonzero()[:, 0], fresh.cumsum(0) - 1)

    def turns(self) -> Iterator[Int[Tensor, " turn"]]:
        """The evaluations in turns: no turn has two at one point."""
        place = torch.arange(len(self.member), device=self.member.device) - self.first[self.member]
        for turn in range(int(place.max()) + 1):
            yield (place == turn).nonzero()[:, 0]


def slopes(
    scores: Float[Tensor, " n"], leaf: Float[Tensor, "points *shape"], points: Points | None
) -> Float[Tensor, "n *shape"]:
    """The derivative of every score by its point: one backward pass, or as many as a point has outputs."""
    if points is None:
        return torch.autograd.grad(scores.sum(), leaf, allow_unused=True, materialize_grads=True)[0]
    found = leaf.new_empty(len(scores), *leaf.shape[1:])
    for turn in points.turns():
        (slope,) = torch.autograd.grad(
            scores[turn].sum(), leaf, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        found[turn] = slope[points.member[turn]]
    return found
