"""How the error fell while a network was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ascribe.plots.canvas import axes, inches, ink, quiet
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
    """Train and validation error after every step; a step that was not `kept` is a hollow point off the line."""
    steps_kept = np.ones(len(steps), dtype=bool) if kept is None else np.asarray(kept, dtype=bool)
    ax = axes(ax, 3.2)
    place = np.arange(len(steps))
    for values, name, colour in ((train, "train", SECOND), (validation, "validation", FIRST)):
        error = np.asarray(values, dtype=float)
        ax.plot(place[steps_kept], error[steps_kept], "o-", color=colour, markersize=5, linewidth=1.6, label=name)
        ax.plot(place[~steps_kept], error[~steps_kept], "o", color=colour, markersize=5, fillstyle="none")
    crowded = sum(len(step) + 3 for step in steps) > 11 * inches(ax)
    ax.set_xticks(
        place, [label(step, 24) for step in steps], rotation=35 if crowded else 0, ha="right" if crowded else "center"
    )
    ax.set_ylabel(measure)
    ax.margins(x=0.06, y=0.12)
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        frameon=False,
        fontsize=8.5,
        labelcolor=ink(ax),
        borderaxespad=0.2,
    )
    quiet(ax, grid="y")
    return ax
