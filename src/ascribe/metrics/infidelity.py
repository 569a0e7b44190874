"""How far the attributions of removed players are from what their removal does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from ascribe.core.game import Game, blocks
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.coalitions import every
from ascribe.metrics.metric import Metric


@final
@dataclass(frozen=True)
class Infidelity(Metric):
    r"""$E_S\big(\beta\sum_{i\in S}\phi_i - (f(x) - f(x \text{ without } S))\big)^2$: how badly removals are foretold.

    S has any size from one to all players, each as likely, and any players; without S is with the background's in their
    place, in the mean. $\beta = 1$; with `scaled`, whatever is best for the row: then only the proportions are judged,
    and gradients can be compared with contributions. With `relative`, as a part of the same figure for
    $\phi = 0$: 0 is perfect, 1 is as good as saying nothing. The paper's own is `scaled=False, relative=False`.

    All removals where these are at most `removals`, random ones above. Costs one evaluation for each of them, each
    background row and each data row, however many attributions are judged.

    Source: Yeh, Hsieh, Suggala, Inouye & Ravikumar (2019), "On the (in)fidelity and sensitivity of explanations".
    """

    removals: int = 64
    scaled: bool = True
    relative: bool = True
    seed: int = 0

    name: ClassVar[str] = "infidelity"
    laws: ClassVar[frozenset[str]] = frozenset({"truth", "symmetric"})

    def __post_init__(self) -> None:
        if self.removals < 1:
            raise MethodError(f"removals={self.removals}; pass at least 1")

    def __call__(
        self,
        f: Score,
        values: Float[Tensor, "*methods rows players"],
        z: Float[Tensor, "rows *shape"],
        z0: Float[Tensor, "draws any *shape"],
    ) -> Float64[Tensor, "*methods rows"]:
        game = Game(f, z, z0)
        removed, weight = self._removals(game.players)
        said = values.cpu().double() @ removed.double().T
        done = torch.cat(
            [
                game.everybody(rows) - game.worths(rows, ~removed, len(removed))
                for rows in blocks(len(z), len(removed) * game.draws)
            ]
        )
        if self.scaled:
            size = (said.square() @ weight)[..., None]
            said = said * torch.where(size > 0, ((said * done) @ weight)[..., None] / size, 0.0)
        infidelity = (said - done).square() @ weight
        if not self.relative:
            return infidelity
        size = (done.square() @ weight).expand_as(infidelity)
        return torch.where(infidelity == 0, 0.0, infidelity / size)

    def _removals(self, players: int) -> tuple[Bool[Tensor, "removals players"], Float64[Tensor, " removals"]]:
        """Who is removed, and how likely."""
        if 2**players - 1 <= self.removals:
            removed = every(players)[1:]
            likely = [0.0] + [1 / (players * math.comb(players, size)) for size in range(1, players + 1)]
            return removed, torch.tensor(likely, dtype=torch.float64)[removed.sum(dim=1)]
        generator = torch.Generator().manual_seed(self.seed)
        size = torch.randint(1, players + 1, (self.removals, 1), generator=generator)
        rank = torch.rand(self.removals, players, generator=generator).argsort(dim=1).argsort(dim=1)
        return rank < size, torch.full((self.removals,), 1 / self.removals, dtype=torch.float64)
