"""Whether the players that count most for an attribution count most for the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ascribe.core.game import Game, blocks
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.metrics.metric import Metric


@final
@dataclass(frozen=True)
class Deletion(Metric):
    r"""$\int_0^1 \big(f(x \text{ without its least } t) - f(x \text{ without its most } t)\big)\,dt$.

    In units of the output. The players are removed from the highest attribution to the lowest, and again from the
    lowest to the highest; the figure is the area between the two curves, over the part t of the players removed. An
    order at random gets 0 in the mean, an order turned round the negative: what the curves say of the model and not of
    the attribution cancels. Only the order counts, not the size of the values.

    In at most `stages` steps. Costs two evaluations for each stage, background row and data row, for each attribution.

    Source: Samek, Binder, Montavon, Lapuschkin & Müller (2017), "Evaluating the visualization of what a deep neural
    network has learned"; Petsiuk, Das & Saenko (2018), "RISE" (deletion; its insertion is the second curve).
    """

    stages: int = 32

    name: ClassVar[str] = "deletion"
    best: ClassVar[str] = "high"
    laws: ClassVar[frozenset[str]] = frozenset({"truth", "symmetric"})

    def __post_init__(self) -> None:
        if self.stages < 2:
            raise MethodError(f"stages={self.stages}; the curves meet at both ends, so pass at least 2")

    def __call__(
        self,
        f: Score,
        values: Float[Tensor, "*methods rows players"],
        z: Float[Tensor, "rows *shape"],
        z0: Float[Tensor, "draws any *shape"],
    ) -> Float64[Tensor, "*methods rows"]:
        game = Game(f, z, z0)
        orders = values.cpu().double().flatten(0, -3) if values.ndim > 2 else values.cpu().double()[None]
        areas = torch.stack([self._area(game, order) for order in orders])
        return areas.reshape(values.shape[:-1])

    def _area(self, game: Game, values: Float64[Tensor, "rows players"]) -> Float64[Tensor, " rows"]:
        rank = values.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        removed = torch.linspace(0, game.players, min(self.stages, game.players) + 1).round().long()
        between = removed[1:-1]  # at both ends the curves meet
        areas: list[Tensor] = []
        for rows in blocks(len(values), 2 * len(between) * game.draws):

            def left(q: Int[Tensor, " n"], k: Int[Tensor, " n"], rows: Tensor = rows) -> Bool[Tensor, "n players"]:
                gone, place = between[q % len(between), None], rank[rows[k]]
                most = (q < len(between))[:, None]
                return torch.where(most, place >= gone, place < game.players - gone)

            worths = game.worths(rows, left, 2 * len(between))
            gap = worths[:, len(between) :] - worths[:, : len(between)]
            gap = torch.nn.functional.pad(gap, (1, 1))
            areas.append(torch.trapezoid(gap, removed.double() / game.players, dim=1))
        return torch.cat(areas)
