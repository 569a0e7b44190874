"""How well predictions meet the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ascribe.plots.canvas import axes, ink, quiet
from ascribe.plots.labels import label
from ascribe.plots.palette import FIRST

if TYPE_CHECKING:
    import matplotlib.axes

STRONGEST = 0.65
"""Opacity of the fullest cell of a confusion table: its number still stands out."""


def fit(
    true: np.ndarray,
    predicted: np.ndarray,
    *,
    classes: Sequence[str] = (),
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """Predicted against true values with a perfect model's line; with `classes`, the table of who is taken for whom."""
    return _confusion(true, predicted, classes, ax) if classes else _scatter(true, predicted, ax)


def _scatter(true: np.ndarray, predicted: np.ndarray, ax: matplotlib.axes.Axes | None) -> matplotlib.axes.Axes:
    ax = axes(ax, 4.4, 4.6)
    low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    ax.plot([low, high], [low, high], color=ink(ax), alpha=0.45, linewidth=1, zorder=1)
    # the more points, the fainter each: the eye adds them up
    alpha = float(np.clip(12 / np.sqrt(len(true)), 0.15, 0.8))
    ax.scatter(true, predicted, s=12, color=FIRST, alpha=alpha, linewidths=0, rasterized=len(true) > 800)
    ax.set_xlabel("true")
    ax.set_ylabel("predicted")
    ax.set_aspect("equal", adjustable="datalim")
    quiet(ax, grid="both")
    return ax


def _confusion(
    true: np.ndarray, predicted: np.ndarray, classes: Sequence[str], ax: matplotlib.axes.Axes | None
) -> matplotlib.axes.Axes:
    count = len(classes)
    table = np.zeros((count, count), dtype=int)
    np.add.at(table, (true.astype(int), predicted.astype(int)), 1)
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    ax = axes(ax, 1.2 + 0.42 * count, 4.6)
    for i in range(count):
        for j in range(count):
            ax.bar(j, 0.94, 0.96, bottom=i - 0.47, color=FIRST, alpha=STRONGEST * share[i, j])
            ax.text(j, i, f"{table[i, j]:,}", ha="center", va="center", fontsize=9, color=ink(ax))
    names = [label(name, 16) for name in classes]
    crowded = max(map(len, names)) * count > 40
    ax.set_xticks(range(count), names, rotation=40 if crowded else 0, ha="right" if crowded else "center")
    ax.set_yticks(range(count), names)
    ax.set_xlim(-0.5, count - 0.5)
    ax.set_ylim(count - 0.5, -0.5)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    quiet(ax)
    return ax
