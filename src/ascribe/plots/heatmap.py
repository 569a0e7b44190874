"""Every attribution at once: a column a row of data, a line a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ascribe.core.arrays import as_array
from ascribe.core.attribution import Attribution
from ascribe.core.drawing import draws
from ascribe.plots.canvas import axes, letters, quiet, rows_height
from ascribe.plots.cells import cells, named
from ascribe.plots.labels import label, number
from ascribe.plots.ranking import strongest
from ascribe.plots.strength import reach
from ascribe.plots.values import contributions

if TYPE_CHECKING:
    import matplotlib.axes


@draws(Attribution)
def heatmap(
    attribution: Attribution, *, top: int = 15, outliers: float | int = 2.0, ax: matplotlib.axes.Axes | None = None
) -> matplotlib.axes.Axes:
    """Rows of data from the lowest output, left, to the highest, right; the strongest features on top.

    Blue pushes the output down, red up; the colour is full at the size beyond which `outliers` percent of all
    attribution lies. Features beyond `top` are added up in one line.
    """
    values = contributions(attribution)
    ranking = strongest(np.abs(values).mean(0), top)
    order = np.argsort(as_array(attribution.output), kind="stable")
    lines = ranking.gather(values)[order].T
    ax = axes(ax, rows_height(len(lines)) + 0.3)
    full = reach(lines, outliers)
    cells(ax, lines, full, numbers=False)
    named(ax, ranking.names(attribution.columns), "y", letters(ax))
    ax.set_xticks([])
    rows = f"{len(order)} rows by output, {number(float(attribution.output.min()))} to "
    scale = f"full colour at ±{number(full)}" if full else "nothing to see"
    ax.set_xlabel(
        f"{rows}{number(float(attribution.output.max()))}\nattribution, {label(attribution.method.name)}; {scale}"
    )
    quiet(ax)
    return ax
