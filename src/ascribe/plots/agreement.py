"""How far methods rank the features alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ascribe.core.arrays import as_array
from ascribe.core.drawing import draws
from ascribe.errors import InputError
from ascribe.metrics.comparison import Comparison
from ascribe.plots.canvas import axes, ink, quiet
from ascribe.plots.labels import label
from ascribe.plots.palette import DOWN, UP

if TYPE_CHECKING:
    import matplotlib.axes

STRONGEST = 0.6
"""Opacity of a full cell: a number written on it still stands out."""


@draws(Comparison)
def agreement(comparison: Comparison, *, ax: matplotlib.axes.Axes | None = None) -> matplotlib.axes.Axes:
    """A cell a pair of methods with their rank correlation: cold is agreement, empty is none, warm is opposition.

    Raises InputError for a comparison of a single method.
    """
    names = [label(name, 24) for name in comparison.attributions]
    if len(names) < 2:
        raise InputError(
            "agreement needs two methods or more, and this comparison has one; add a method to compare(...)."
        )
    table = as_array(comparison.agreement)
    ax = axes(ax, 0.9 + 0.42 * len(names))
    ax.set_xlim(-0.5, len(names) - 1.5)
    ax.set_ylim(len(names) - 0.5, 0.5)
    # the matrix is symmetric with ones along it: the lower triangle says all
    for i in range(1, len(names)):
        for j in range(i):
            _cell(ax, j, i, table[i, j])
    ax.set_xticks(range(len(names) - 1), names[:-1], rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(1, len(names)), names[1:])
    quiet(ax)
    return ax


def _cell(ax: matplotlib.axes.Axes, x: int, y: int, value: float) -> None:
    colour = DOWN if value >= 0 else UP
    strength = STRONGEST * min(abs(value), 1.0) if np.isfinite(value) else 0.0
    ax.bar(x, 0.92, 0.96, bottom=y - 0.46, color=colour, alpha=strength)
    text = "–" if not np.isfinite(value) else f"{value:.2f}".replace("-", "−")
    ax.text(x, y, text, ha="center", va="center", fontsize=9.5, color=ink(ax))
