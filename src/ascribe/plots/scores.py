"""Scores with their error bars, as points on a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ascribe.plots.canvas import axes, ink, letters, quiet, rows_height, zero_line
from ascribe.plots.labels import label
from ascribe.plots.palette import FIRST
from ascribe.plots.ranking import strongest

if TYPE_CHECKING:
    import matplotlib.axes


def scores(
    names: Sequence[str],
    values: np.ndarray,
    errors: np.ndarray | None = None,
    *,
    top: int = 20,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """One point a feature, the highest score first, with a whisker of two standard `errors` either way.

    Only the `top` highest are drawn; the axis says how many there are.
    """
    order = strongest(np.asarray(values, dtype=float), top).shown
    height = np.asarray(values, dtype=float)[order]
    ax = axes(ax, rows_height(len(order)))
    place = np.arange(len(order))
    ax.hlines(place, 0, height, color=ink(ax), alpha=0.15, linewidth=1)
    if errors is not None:
        reach = 2 * np.asarray(errors, dtype=float)[order]
        ax.hlines(place, height - reach, height + reach, color=FIRST, alpha=0.5, linewidth=4)
    ax.plot(height, place, "o", color=FIRST, markersize=6)
    ax.set_yticks(place, [label(names[int(i)], letters(ax)) for i in order])
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlabel(
        "feature score" if len(order) == len(names) else f"feature score, the {len(order)} highest of {len(names)}"
    )
    quiet(ax, grid="x")
    zero_line(ax, along="y")
    return ax
