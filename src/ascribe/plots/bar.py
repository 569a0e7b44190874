"""Which features matter, over all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ascribe.core.attribution import Attribution
from ascribe.core.drawing import draws
from ascribe.plots.canvas import axes, letters, quiet, rows_height, zero_line
from ascribe.plots.labels import label
from ascribe.plots.palette import FIRST
from ascribe.plots.ranking import strongest
from ascribe.plots.values import contributions

if TYPE_CHECKING:
    import matplotlib.axes


@draws(Attribution, default=True)
def bar(attribution: Attribution, *, top: int = 12, ax: matplotlib.axes.Axes | None = None) -> matplotlib.axes.Axes:
    r"""Mean $|a_i|$ of every feature over the rows; whiskers are two standard errors of that mean.

    The whiskers hold the spread of the rows and, with it, a sampled method's own noise. Features beyond `top` are
    added up in one bar.
    """
    values = np.abs(contributions(attribution))
    ranking = strongest(values.mean(0), top)
    lines = ranking.gather(values)
    mean = lines.mean(0)
    error = 2 * lines.std(0, ddof=1) / np.sqrt(len(lines)) if len(lines) > 1 else np.zeros_like(mean)
    ax = axes(ax, rows_height(len(mean)))
    place = np.arange(len(mean))
    ax.barh(place, mean, height=0.62, color=FIRST, xerr=error, error_kw={"ecolor": FIRST, "alpha": 0.55, "lw": 4})
    ax.set_yticks(place, [label(name, letters(ax)) for name in ranking.names(attribution.columns)])
    ax.invert_yaxis()
    ax.set_xlabel(f"mean |attribution|, {label(attribution.method.name)}")
    quiet(ax, grid="x")
    zero_line(ax, along="y")
    return ax
