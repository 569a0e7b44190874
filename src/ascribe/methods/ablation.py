"""What is lost when one player is taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ascribe.core.game import Game, blocks
from ascribe.core.method import Method
from ascribe.core.score import Score


@final
@dataclass(frozen=True)
class Ablation(Method):
    r"""$\phi_i = f(x) - \frac1B\sum_b f(x \text{ with player } i \text{ from background row } b)$.

    Exact for the background it is given; complete only where the players do not interact. With `groups=` a player is a
    set of features, an occluding patch for instance. Costs one evaluation for each player, background row and data row.

    Source: Zeiler & Fergus (2014), "Visualizing and understanding convolutional networks" (occlusion).
    """

    laws: ClassVar[frozenset[str]] = frozenset({"dummy", "linear", "affine", "symmetric", "implementation_invariant"})
    reference: ClassVar[str] = "background"

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "draws any *shape"]
    ) -> Float[Tensor, "rows players"]:
        game = Game(f, z, z0)

        def all_but(player: Int[Tensor, " n"], _: Int[Tensor, " n"]) -> Bool[Tensor, "n players"]:
            return torch.arange(game.players) != player[:, None]

        lost = [
            game.everybody(rows) - game.worths(rows, all_but, game.players)
            for rows in blocks(len(z), game.players * game.draws)
        ]
        return torch.cat(lost).to(z)
