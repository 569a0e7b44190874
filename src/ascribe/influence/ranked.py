"""The training examples with the most influence on each test example."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.errors import InputError


class Ranked(NamedTuple):
    """Numbers of training examples, the first with the largest score (of opponents, with the smallest)."""

    indices: Int[Tensor, "tests k"]
    influence_scores: Float[Tensor, "tests k"]


def top(scores: Float[Tensor, "tests train"], k: int, largest: bool = True) -> Ranked:
    """The `k` largest or smallest scores of every row, exactly; all of them where there are fewer.

    >>> top(torch.tensor([[1.0, 3.0, 2.0]]), 2).indices.tolist()
    [[1, 2]]
    """
    if k < 1:
        raise InputError(f"k={k}; pass at least 1")
    found = scores.topk(min(k, scores.shape[1]), dim=1, largest=largest)
    return Ranked(found.indices, found.values)


def merge(best: Ranked | None, scores: Float[Tensor, "tests block"], first: int, k: int, largest: bool) -> Ranked:
    """The best of those found so far and of a further block of scores, whose examples are numbered from `first`."""
    block = top(scores, k, largest)
    indices, values = block.indices + first, block.influence_scores
    if best is not None:
        indices = torch.cat([best.indices, indices], dim=1)
        values = torch.cat([best.influence_scores, values], dim=1)
    order = top(values, k, largest)
    return Ranked(indices.gather(1, order.indices), order.influence_scores)
