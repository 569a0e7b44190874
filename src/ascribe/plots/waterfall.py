"""How one prediction comes about, from the reference to the output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ascribe.core.attribution import Attribution
from ascribe.core.drawing import draws
from ascribe.plots.canvas import axes, inches, ink, letters, quiet, rows_height
from ascribe.plots.labels import alike, label, number
from ascribe.plots.palette import DOWN, UP
from ascribe.plots.ranking import NOTHING, strongest
from ascribe.plots.values import checked_row, contributions

if TYPE_CHECKING:
    import matplotlib.axes

VISIBLE_GAP = 5e-3
"""Below this share of the picture's width the completeness gap is thinner than a line and is left out."""


@draws(Attribution)
def waterfall(
    attribution: Attribution,
    row: int = 0,
    *,
    cells: Sequence[str] | None = None,
    top: int = 8,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """One row read downwards: the reference, every feature's push up or down, the output.

    `cells` are the texts of the row's own values, shown beside the names. What the method leaves unexplained (its gap)
    is a step of its own as soon as it can be seen.

    Raises InputError for a row that is not there.
    """
    values = contributions(attribution)
    checked_row(attribution, row)
    ranking = strongest(np.abs(values[row]), top)
    lines, steps = ranking.names(attribution.columns), ranking.gather(values[row])
    if len(ranking.rest) and abs(steps[-1]) <= NOTHING * np.abs(steps).max():
        lines, steps = lines[:-1], steps[:-1]
    start, end = float(attribution.reference[row]), float(attribution.output[row])
    level = start + np.concatenate([[0.0], np.cumsum(steps)])
    span = max(level.max(), end) - min(level.min(), end)
    if abs(end - level[-1]) > VISIBLE_GAP * span:
        lines, steps, level = [*lines, "not explained"], np.append(steps, end - level[-1]), np.append(level, end)
    ax = axes(ax, rows_height(len(steps) + 2))
    _draw(ax, steps, level)
    texts = _lines(lines, ranking.shown, cells, letters(ax) + 10)
    ax.set_yticks(np.arange(len(steps) + 2), [f"reference  {number(start)}", *texts, f"output  {number(end)}"])
    for end_label in (ax.get_yticklabels()[0], ax.get_yticklabels()[-1]):
        end_label.set_fontweight("bold")
    return ax


def _lines(names: list[str], shown: np.ndarray, cells: Sequence[str] | None, longest: int) -> list[str]:
    """The names beside the steps, with the row's own values where they are known."""
    if cells is None:
        return [label(name, longest) for name in names]
    values = [label(cells[int(i)], longest // 2) for i in shown]
    known = [f"{label(n, longest - len(v) - 3)} = {v}" for n, v in zip(names[: len(values)], values, strict=True)]
    return known + [label(name, longest) for name in names[len(values) :]]


def _draw(ax: matplotlib.axes.Axes, steps: np.ndarray, level: np.ndarray) -> None:
    colour = ink(ax)
    place = np.arange(1, len(steps) + 1)
    ax.barh(place, steps, left=level[:-1], height=0.62, color=np.where(steps < 0, DOWN, UP))
    ax.vlines(
        level, np.arange(len(level)) - 0.31, np.arange(len(level)) + 1.31, color=colour, alpha=0.35, linewidth=0.8
    )
    ax.plot([level[0], level[-1]], [0, len(steps) + 1], "o", color=colour, markersize=5)
    room = 0.01 * float(np.ptp(level) or 1.0)
    texts = alike(steps.tolist(), sign=True)
    for y, text, step, left, right in zip(place.tolist(), texts, steps, level[:-1], level[1:], strict=True):
        # beside the bar on the side it points to, so that the text never lies on a colour
        x, side = (max(left, right) + room, "left") if step >= 0 else (min(left, right) - room, "right")
        ax.text(x, y, text, ha=side, va="center", fontsize=8.5, color=colour)
    # Room for those texts at both ends, where a letter takes 0.075 inches and the bars 0.55 of the figure; what the
    # texts take, the bars give up.
    text_inches = 0.1 + 0.075 * max(map(len, texts))
    bars_inches = max(0.55 * inches(ax) - 2 * text_inches, 0.2 * inches(ax))
    ends = float(np.ptp(level) or 1.0) * text_inches / bars_inches
    ax.set_xlim(level.min() - ends, level.max() + ends)
    ax.set_ylim(len(steps) + 1.6, -0.6)
    quiet(ax, grid="x")
