"""What is lost when one player is taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Method
from ascribe.core.removal import background_fill, losses, without_player
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
        change = without_player(f, z, background_fill(z0))
        return losses(f, z, len(z0), f.players.count, change)[0].to(z)
