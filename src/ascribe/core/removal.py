"""What a score loses where a part of a row is replaced."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Float64, Int, Shaped
from torch import Tensor

from ascribe.core.evaluate import sweep, values
from ascribe.core.game import rectangles
from ascribe.core.score import Score

# These rows of z after change number `which[k]` in draw `draw[k]`: (changes, rows, *shape).
Change = Callable[[Int[Tensor, " changes"], Int[Tensor, " changes"], slice], Shaped[Tensor, "changes rows *shape"]]
# What stands in for what is removed from these rows in draw `draw[k]`; once where it is the same for all.
Fill = Callable[[Int[Tensor, " changes"], slice], Shaped[Tensor, "#changes #rows *shape"]]


def without_player(f: Score, z: Shaped[Tensor, "rows *shape"], fill: Fill) -> Change:
    """Change number i takes player i away."""

    def change(
        draw: Int[Tensor, " changes"], which: Int[Tensor, " changes"], rows: slice
    ) -> Shaped[Tensor, "changes rows *shape"]:
        other, whole = fill(draw, rows), z[rows]
        if not f.players.single:
            ids = f.players.of(f.every[rows] // f.outputs)
            return torch.where(ids == which.view(-1, *[1] * z.ndim), other, whole)
        # That entry alone is written.
        left = whole.expand(len(which), *whole.shape).clone()
        place = which[:, None, None].expand(*left.shape[:2], 1)
        left.flatten(2).scatter_(2, place, other.expand_as(left).flatten(2).gather(2, place))
        return left

    return change


def background_fill(z0: Shaped[Tensor, "draws any *shape"]) -> Fill:
    """Background row `draw`, one for all data rows or one for each."""
    if len(z0) == 1:
        return lambda draw, rows: z0 if z0.shape[1] == 1 else z0[:, rows]
    return lambda draw, rows: z0[draw] if z0.shape[1] == 1 else z0[draw, rows]


def losses(
    f: Score, z: Float[Tensor, "rows *shape"], draws: int, count: int, change: Change
) -> tuple[Float64[Tensor, "rows count"], Float64[Tensor, "rows count"]]:
    r"""$\ell_{rk} = f(x_r) - f(x_r \text{ after change } k)$: its mean over the draws, and its variance over them.

    One evaluation for each change, draw and data row; the network never sees more rows together than the memory
    budget allows, and nothing larger than the result is held.
    """
    rows = len(z)
    whole = values(f, z).cpu().double()
    total = torch.zeros(count, rows, dtype=torch.float64)
    square = torch.zeros_like(total) if draws > 1 else total

    def work(index: Int[Tensor, " piece"]) -> None:
        # Rows run fastest: the outputs of one row, where all are explained, meet in one piece.
        start, end = int(index[0]), int(index[-1]) + 1
        cells = list(rectangles(start, end, rows))
        pieces: list[Tensor] = []
        numbers: list[Tensor] = []
        for line, row in cells:
            question = torch.arange(line.start, line.stop, device=z.device)
            pieces.append(change(question // count, question % count, row).flatten(0, 1))
            numbers.append(torch.arange(row.start, row.stop, device=z.device).repeat(len(question)))
        changed, which = (part[0] if len(part) == 1 else torch.cat(part) for part in (pieces, numbers))
        scores = f(changed, which).cpu().double()
        for (line, row), found in zip(cells, scores.split([len(piece) for piece in pieces]), strict=True):
            lost = whole[row] - found.view(line.stop - line.start, -1)
            if draws == 1:
                total[line, row] = lost
                continue
            place = torch.arange(line.start, line.stop) % count
            total[:, row].index_add_(0, place, lost)
            square[:, row].index_add_(0, place, lost.square())

    sweep(f, draws * count * rows, work, gradients=False)
    mean = total / draws
    spread = (square - draws * mean.square()).clamp_(min=0) / (draws - 1) if draws > 1 else torch.zeros_like(mean)
    return mean.T, spread.T
