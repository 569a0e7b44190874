"""Shapley values estimated from walks: the contribution of each player when it joins, averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ascribe.maths.coalitions import Walks
from ascribe.maths.sampling import controlled_mean, stratified_mean


@final
@dataclass(frozen=True)
class WalkEstimator:
    """Shapley values from antithetic walks over a background; a sample is a pair of walks over one background row.

    Source: Castro, Gómez & Tejada (2009), "Polynomial calculation of the Shapley value based on sampling"; Mitchell,
    Cooper, Frank & Holmes (2022), "Sampling permutations for Shapley value estimation".
    """

    walks: Walks
    background: int

    @property
    def coalitions(self) -> Bool[Tensor, "questions players"]:
        return self.walks.coalitions

    @property
    def draws(self) -> Int[Tensor, " questions"]:
        return self.walks.draws

    def estimate(self, worths: Float[Tensor, "rows questions"]) -> tuple[Tensor, Tensor]:
        """Values and standard errors from what all questions of the walks are worth."""
        each = contributions(worths[:, self.walks.index], self.walks.order)
        pairs, draw = (each[:, ::2] + each[:, 1::2]) / 2, self.walks.draw[::2]
        # The spread within background rows is known from those met twice: at least a quarter of them.
        if len(draw) >= self.background + max(3, self.background // 4):
            return stratified_mean(pairs, draw)
        nobody = worths[:, : self.background]
        return controlled_mean(pairs, nobody[:, draw], nobody.mean(dim=1))


def contributions(
    worths: Float[Tensor, "rows walks steps"], order: Int[Tensor, "walks players"]
) -> Float[Tensor, "rows walks players"]:
    """What each player adds when it joins, in each walk; the sum over players is exactly the walk's whole rise."""
    return worths.diff(dim=-1)[:, torch.arange(len(order))[:, None], order.argsort(dim=1)]
