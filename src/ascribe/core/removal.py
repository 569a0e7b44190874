"""How something is absent: its entries are those of a reference. And what a score loses without it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Float64, Int, Shaped
from torch import Tensor

from ascribe.core.evaluate import sweep, values
from ascribe.core.players import Players
from ascribe.core.score import Score

# Rows `row[k]` of z as change number `which[k]` leaves them in draw `draw[k]`.
Change = Callable[[Int[Tensor, " n"], Int[Tensor, " n"], Int[Tensor, " n"]], Shaped[Tensor, "n *shape"]]
# What stands in for what is removed from rows `row[k]` in draw `draw[k]`; one row where it is the same for all.
Fill = Callable[[Int[Tensor, " n"], Int[Tensor, " n"]], Shaped[Tensor, "#n *shape"]]


def absent(
    z: Shaped[Tensor, "n *shape"], keep: Bool[Tensor, "n *shape"], z0: Shaped[Tensor, "#n *shape"]
) -> Shaped[Tensor, "n *shape"]:
    """`z` where kept, the reference `z0` elsewhere.

    >>> absent(torch.ones(1, 3), torch.tensor([[True, False, True]]), torch.zeros(1, 3))
    tensor([[1., 0., 1.]])
    """
    return torch.where(keep, z, z0)


def without_player(players: Players, z: Shaped[Tensor, "rows *shape"], fill: Fill) -> Change:
    """Change number i takes player i away."""
    single = players.count == players.ids.numel()

    def change(draw: Int[Tensor, " n"], which: Int[Tensor, " n"], row: Int[Tensor, " n"]) -> Shaped[Tensor, "n *shape"]:
        other = fill(draw, row)
        if not single:
            return torch.where(players.ids == which.view(-1, *[1] * players.ids.ndim), other, z[row])
        # One entry a player, in the order of the entries: that entry alone is written.
        left, place = z[row], which[:, None]
        left.flatten(1).scatter_(1, place, other.flatten(1).expand(len(row), -1).gather(1, place))
        return left

    return change


def background_fill(z0: Shaped[Tensor, "draws any *shape"]) -> Fill:
    """Background row `draw`, one for all data rows or one for each."""
    if z0.shape[:2] == (1, 1):
        return lambda draw, row: z0[0]
    each = z0.shape[1] > 1
    return lambda draw, row: z0[draw, row if each else torch.zeros_like(row)]


def losses(
    f: Score, z: Float[Tensor, "rows *shape"], draws: int, count: int, change: Change
) -> tuple[Float64[Tensor, "rows count"], Float64[Tensor, "rows count"]]:
    r"""$\ell_{rk} = f(x_r) - f(x_r \text{ after change } k)$: its mean over the draws, and its variance over them.

    One evaluation for each change, draw and data row; the network never sees more rows together than the memory
    budget allows, and nothing larger than the result is held.
    """
    rows = len(z)
    whole = values(f, z).cpu().double()
    total = torch.zeros(count * rows, dtype=torch.float64)
    square = torch.zeros_like(total) if draws > 1 else total

    def work(index: Int[Tensor, " piece"]) -> None:
        # Rows run fastest: the outputs of one row, where all are explained, meet in one piece.
        question, row = index // rows, index % rows
        draw, which = (question // count, question % count) if draws > 1 else (torch.zeros_like(question), question)
        scores = f(change(draw, which, row), row).cpu().double()
        place, row = (index % len(total)).cpu(), row.cpu()
        lost = whole[row] - scores
        if draws == 1:
            total[place[0] : place[-1] + 1] = lost
        else:
            total.index_add_(0, place, lost)
            square.index_add_(0, place, lost.square())

    sweep(f, draws * len(total), work, gradients=False)
    mean = total / draws
    spread = (square - draws * mean.square()).clamp_(min=0) / (draws - 1) if draws > 1 else torch.zeros_like(mean)
    return mean.view(count, rows).T, spread.view(count, rows).T
