r"""How near a row with some players absent is to the whole row: $e^{-d^2/2w^2}$ for a distance d and a width w.

With $P$ the present and $Q$ the absent players, $x_i\cdot y_i$ the sum over the entries of player i, and y what stands
in for the absent, the row $x_P y_Q$ has $x\cdot x_P y_Q = \sum_P x_i^2 + \sum_Q x_i\cdot y_i$ and the squared length
$\sum_P x_i^2 + \sum_Q y_i^2$. So no such row has to be made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import MethodError

Of = Literal["players", "entries"]


@final
@dataclass(frozen=True)
class Cosine:
    """Of the distance 1 - cosine, which is 1 to a row of zeros.

    `of`: "players" measures from all present (1, 1, ..) to the presence (0 or 1) of each; "entries" from the row to the
    row with the absent players' entries changed.

    >>> Cosine(1.0)(torch.tensor([[1.0, 1.0], [0.0, 0.0]]), *presence(2)).tolist()
    [[1.0, 0.6065306663513184]]
    """

    width: float = 0.25
    of: Of = "players"

    def __post_init__(self) -> None:
        _check(self)

    def __call__(
        self,
        present: Float[Tensor, "samples players"],
        xx: Float[Tensor, "rows players"],
        xy: Float[Tensor, "rows players"],
        yy: Float[Tensor, "rows players"],
    ) -> Float[Tensor, "rows samples"]:
        kept, absent = xx @ present.T, (1 - present).T
        lengths = (xx.sum(1, keepdim=True) * (kept + yy @ absent)).sqrt()
        cosine = torch.where(lengths > 0, (kept + xy @ absent) / torch.where(lengths > 0, lengths, 1), 0)
        return (-((1 - cosine) ** 2) / (2 * self.width**2)).exp()


@final
@dataclass(frozen=True)
class Euclidean:
    """Of the Euclidean distance; `of` as for `Cosine`.

    >>> Euclidean(2.0)(torch.tensor([[1.0, 1.0], [1.0, 0.0]]), *presence(2)).tolist()
    [[1.0, 0.8824968934059143]]
    """

    width: float = 1.0
    of: Of = "players"

    def __post_init__(self) -> None:
        _check(self)

    def __call__(
        self,
        present: Float[Tensor, "samples players"],
        xx: Float[Tensor, "rows players"],
        xy: Float[Tensor, "rows players"],
        yy: Float[Tensor, "rows players"],
    ) -> Float[Tensor, "rows samples"]:
        square = (xx - 2 * xy + yy).clamp(min=0) @ (1 - present).T
        return (-square / (2 * self.width**2)).exp()


def presence(players: int) -> tuple[Float[Tensor, "1 players"], Float[Tensor, "1 players"], Float[Tensor, "1 players"]]:
    """The products of a row of ones whose absent players become zeros."""
    ones = torch.ones(1, players)
    return ones, torch.zeros_like(ones), torch.zeros_like(ones)


def _check(kernel: Cosine | Euclidean) -> None:
    if not 0 < kernel.width < float("inf") or kernel.of not in ("players", "entries"):
        raise MethodError(f'{kernel} is no kernel; pass a width above 0, and of="players" or of="entries"')
