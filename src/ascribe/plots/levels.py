"""Points in the colour of a value, from low to high, by rank: an outlier does not wash the others out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from ascribe.plots.canvas import ink
from ascribe.plots.palette import LOW_TO_HIGH

if TYPE_CHECKING:
    import matplotlib.axes

NEUTRAL = -1
"""The level of what is no number."""


def sixths(values: Float[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """The sixth (0 lowest .. 5 highest) that every value falls in; equal values that of the middle of their ranks.

    >>> sixths(np.array([3.0, 1.0, 2.0, np.nan])).tolist()
    [5, 1, 3, -1]
    """
    levels = np.full(len(values), NEUTRAL)
    known = ~np.isnan(values)
    x = values[known]
    ordered = np.sort(x)
    middle = (np.searchsorted(ordered, x, "left") + np.searchsorted(ordered, x, "right")) / 2 / max(len(x), 1)
    levels[known] = np.minimum(len(LOW_TO_HIGH) * middle, len(LOW_TO_HIGH) - 1).astype(int)
    return levels


def points(
    ax: matplotlib.axes.Axes,
    x: Float[np.ndarray, "*shape"],
    y: Float[np.ndarray, "*shape"],
    levels: Int[np.ndarray, "*shape"],
    *,
    size: float,
    alpha: float = 0.85,
    many: bool = False,
) -> None:
    """One cloud a level, the lowest and the highest named for a legend; of `many` a file keeps an image.

    An image is far smaller than the places of many points.
    """
    neutral = levels == NEUTRAL
    ax.scatter(x[neutral], y[neutral], s=size, color=ink(ax), alpha=0.4, linewidths=0, rasterized=many)
    if neutral.all():
        return
    for level, colour in enumerate(LOW_TO_HIGH):
        here = levels == level
        name = {0: "low value", len(LOW_TO_HIGH) - 1: "high value"}.get(level)
        ax.scatter(x[here], y[here], s=size, color=colour, alpha=alpha, linewidths=0, rasterized=many, label=name)
