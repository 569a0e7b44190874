"""How the error fell while a network was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ascribe.plots.canvas import WIDTH, axes, inches, legend, letters, quiet, rows_height
from ascribe.plots.labels import label
from ascribe.plots.palette import FIRST, SECOND

if TYPE_CHECKING:
    import matplotlib.axes


def rounds(
    steps: Sequence[str],
    train: np.ndarray,
    validation: np.ndarray,
    *,
    kept: Sequence[bool] | None = None,
    measure: str = "error",
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """Train and validation error after every step; a step that was not `kept` is a hollow point off the line.

    Time runs to the right, or downwards where the names of the steps have no room side by side.
    """
    good = np.ones(len(steps), dtype=bool) if kept is None else np.asarray(kept, dtype=bool)
    down = crowded(steps, WIDTH if ax is None else inches(ax))
    ax = axes(ax, rows_height(len(steps)) if down else 3.0)
    place = np.arange(len(steps))
    for values, name, colour in ((train, "train", SECOND), (validation, "validation", FIRST)):
        line = (np.asarray(values, dtype=float), place) if down else (place, np.asarray(values, dtype=float))
        ax.plot(*(along[good] for along in line), "o-", color=colour, markersize=5, linewidth=1.6, label=name)
        ax.plot(*(along[~good] for along in line), "o", color=colour, markersize=5, fillstyle="none")
    longest = letters(ax) + 8 if down else 24
    (ax.set_yticks if down else ax.set_xticks)(place, [label(step, longest) for step in steps])
    (ax.set_xlabel if down else ax.set_ylabel)(measure)
    ax.margins(x=0.06, y=0.08 if down else 0.12)
    if down:
        ax.invert_yaxis()
    legend(ax, 2, handle=2.0)
    quiet(ax, grid="x" if down else "y")
    return ax


def crowded(steps: Sequence[str], width: float) -> bool:
    """Whether the names of the steps need a line each in a figure of `width` inches."""
    return len(steps) * (max(map(len, steps)) + 2) > 12 * width
