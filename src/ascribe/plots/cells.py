"""A table of signed numbers as colours: cold below zero, warm above, nothing at zero; numbers where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from ascribe.plots.canvas import ink
from ascribe.plots.labels import alike, label
from ascribe.plots.ramp import both_signs

if TYPE_CHECKING:
    import matplotlib.axes

STRONGEST = 0.75
"""Opacity of a full cell: a number on it still stands out."""
LETTER, LINE = 0.07, 0.2
"""Inches that a letter of a number is wide, and a line of text high."""


def cells(
    ax: matplotlib.axes.Axes,
    values: Shaped[np.ndarray, "rows columns"],
    full: float,
    *,
    numbers: bool = True,
) -> None:
    """Draw the table, first row on top, with its cells at whole numbers; in full colour at `full`.

    NaN is left empty. Numbers are written where all cells have room for one.
    """
    height, width = values.shape
    # one image: a file keeps it far smaller than a rectangle a cell
    ax.imshow(
        values,
        cmap=both_signs(STRONGEST),
        vmin=-(full or 1.0),
        vmax=full or 1.0,
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )
    known = np.argwhere(np.isfinite(values)).tolist()
    texts = alike((float(values[i, j]) for i, j in known), digits=2)
    box = ax.get_window_extent()
    fits = box.width / width >= ax.figure.dpi * LETTER * (1 + max(map(len, texts), default=0))
    if numbers and fits and box.height / height >= ax.figure.dpi * LINE:
        for (i, j), text in zip(known, texts, strict=True):
            # what is rounded to nothing is nothing
            written = text if text.strip("0.") else "0"
            ax.text(j, i, written, ha="center", va="center", fontsize=8.5, color=ink(ax))


def named(ax: matplotlib.axes.Axes, names: Sequence[str], along: str, longest: int) -> None:
    """Names at whole numbers along "x" or "y"; under upright columns they lean where they have no room side by side."""
    texts = [label(name, longest) for name in names]
    if along == "y":
        ax.set_yticks(range(len(names)), texts)
        return
    inches = ax.get_window_extent().width / ax.figure.dpi
    if max(map(len, texts), default=0) * 0.075 > 0.95 * inches / max(len(names), 1):
        ax.set_xticks(range(len(names)), texts, rotation=40, ha="right", rotation_mode="anchor")
    else:
        ax.set_xticks(range(len(names)), texts)
