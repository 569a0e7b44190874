"""What a score loses where a part of a row is replaced."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Float64, Int, Shaped
from torch import Tensor

from ascribe.core.evaluate import sweep, values
from ascribe.core.score import Score

# Rows `row[k]` of z as change number `which[k]` leaves them in draw `draw[k]`.
Change = Callable[[Int[Tensor, " n"], Int[Tensor, " n"], Int[Tensor, " n"]], Shaped[Tensor, "n *shape"]]
# What stands in for what is removed from rows `row[k]` in draw `draw[k]`; one row where it is the same for all.
Fill = Callable[[Int[Tensor, " n"], Int[Tensor, " n"]], Shaped[Tensor, "#n *shape"]]


def without_player(f: Score, z: Shaped[Tensor, "rows *shape"], fill: Fill) -> Change:
    """Change number i takes player i away."""

    def change(draw: Int[Tensor, " n"], which: Int[Tensor, " n"], row: Int[Tensor, " n"]) -> Shaped[Tensor, "n *shape"]:
        other, left = fill(draw, row), z[row]
        if not f.players.single:
            ids = f.players.of(row // f.outputs)
            return torch.where(ids == which.view(-1, *[1] * (z.ndim - 1)), other, left)
        # That entry alone is written.
        place = which[:, None]
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
        which = index.div(rows, rounding_mode="floor")
        row = index - which * rows
        draw = which.div(count, rounding_mode="floor") if draws > 1 else torch.zeros_like(which)
        which = which - draw * count
        scores = f(change(draw, which, row), row).cpu().double()
        lost = whole[row.cpu()] - scores
        if draws == 1:
            first = int(index[0])
            total[first : first + len(index)] = lost
        else:
            place = (index % len(total)).cpu()
            total.index_add_(0, place, lost)
            square.index_add_(0, place, lost.square())

    sweep(f, draws * len(total), work, gradients=False)
    mean = total / draws
    spread = (square - draws * mean.square()).clamp_(min=0) / (draws - 1) if draws > 1 else torch.zeros_like(mean)
    return mean.view(count, rows).T, spread.view(count, rows).T
