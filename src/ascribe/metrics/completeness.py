"""Whether the attributions add up to what they explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ascribe.core.game import Game
from ascribe.core.score import Score
from ascribe.metrics.metric import Metric


@final
@dataclass(frozen=True)
class Completeness(Metric):
    r"""$\left|\Delta - \sum_i\phi_i\right| / |\Delta|$ with $\Delta = f(x) - E f(x_0)$: the part not accounted for.

    0 where both are 0; large where the output hardly differs from the reference's. Costs the scores of x and of the
    background.

    Source: Sundararajan, Taly & Yan (2017), "Axiomatic attribution for deep networks".
    """

    name: ClassVar[str] = "completeness"
    # A comparison states the gap that each attribution has to its own reference.
    compared: ClassVar[bool] = False
    laws: ClassVar[frozenset[str]] = frozenset({"truth", "symmetric"})

    def __call__(
        self,
        f: Score,
        values: Float[Tensor, "*methods rows players"],
        z: Float[Tensor, "rows *shape"],
        z0: Float[Tensor, "draws any *shape"],
    ) -> Float64[Tensor, "*methods rows"]:
        game, rows = Game(f, z, z0), torch.arange(len(z))
        difference = game.everybody(rows)[:, 0] - game.nobody(rows).mean(dim=1)
        gap = (difference - values.cpu().double().sum(dim=-1)).abs()
        return torch.where(gap == 0, 0.0, gap / difference.abs())
