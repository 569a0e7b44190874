"""Where a picture is drawn: the axes that were given, or a figure of its own; and the calm look they share."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ascribe.errors import need

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

WIDTH = 7.2
"""Inches: a picture fills the text column of a page at its own scale."""


def figure(width: float, height: float) -> matplotlib.figure.Figure:
    """A new figure, known to pyplot only where the user works with pyplot and it can show: then `plt.show()` shows it.

    In a notebook that is so from the start: it is pyplot that teaches notebooks to show figures.
    Everywhere else (scripts without pyplot, servers, the Agg backend) it is a plain object, freed with its last name.
    """
    need("matplotlib", extra="plot")
    import matplotlib.figure

    pyplot = need("matplotlib.pyplot", extra="plot") if _in_ipython() else sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.get_backend().lower() not in SILENT:
        shown = pyplot.figure(figsize=(width, height), layout="constrained")
        shown._ipython_display_ = partial(_display, shown)
        return shown
    return matplotlib.figure.Figure(figsize=(width, height), layout="constrained")


def _in_ipython() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _display(figure: matplotlib.figure.Figure) -> None:
    """What a notebook does with a figure, as the value that ends a cell or among those pyplot shows after it: once.

    A figure in a window of its own, which pyplot has open, is there already.
    """
    import matplotlib.pyplot as pyplot

    held = pyplot.fignum_exists(figure.number)
    if held and "inline" not in pyplot.get_backend():
        return
    vars(figure).pop("_ipython_display_")
    need("IPython.display", extra="plot").display(figure)
    if held:
        pyplot.close(figure)


SILENT = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}


def axes(ax: matplotlib.axes.Axes | None, height: float, width: float = WIDTH) -> matplotlib.axes.Axes:
    """`ax` itself, or the only axes of a new figure of this size (inches)."""
    return figure(width, height).add_subplot() if ax is None else ax


def rows_height(count: int) -> float:
    """Inches that a picture with one line of text a row needs."""
    return 0.9 + 0.27 * max(count, 2)


def inches(ax: matplotlib.axes.Axes) -> float:
    """Width of the figure, or the part of a figure, that `ax` is in."""
    return float(ax.figure.bbox.width / ax.figure.dpi)


def room(ax: matplotlib.axes.Axes) -> tuple[float, float]:
    """Width and height in inches that `ax` has, or may have once a layout engine has spread it over its part."""
    cell = ax.get_subplotspec()
    if cell is None or root(ax).get_layout_engine() is None:
        return float(ax.bbox.width / ax.figure.dpi), float(ax.bbox.height / ax.figure.dpi)
    grid = cell.get_gridspec()
    across, up = np.asarray(grid.get_width_ratios()), np.asarray(grid.get_height_ratios())
    across, up = across[list(cell.colspan)].sum() / across.sum(), up[list(cell.rowspan)].sum() / up.sum()
    return inches(ax) * float(across), float(ax.figure.bbox.height / ax.figure.dpi) * float(up)


def root(ax: matplotlib.axes.Axes) -> matplotlib.figure.Figure:
    """The whole figure that `ax` is in, also from a part of one."""
    return ax.figure.figure


def letters(ax: matplotlib.axes.Axes) -> int:
    """Letters of 9 points that a name beside a picture may have, so that it takes a quarter of the width."""
    return max(12, round(3.7 * inches(ax)))


def ink(ax: matplotlib.axes.Axes) -> str:
    """The colour of text where `ax` is drawn: the user's own style."""
    import matplotlib

    return matplotlib.rcParams["text.color"]


def paper(ax: matplotlib.axes.Axes) -> Any:
    """The colour that `ax` is drawn on: the figure's, or white where that lets everything through."""
    colour = root(ax).get_facecolor()
    return colour if colour[3] else "white"


def quiet(ax: matplotlib.axes.Axes, grid: Literal["both", "x", "y"] | None = None) -> None:
    """Leave only what is read: no box, no tick marks, a faint grid along the axis that carries numbers."""
    colour = ink(ax)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0, labelsize=9, colors=colour)
    ax.xaxis.label.set(size=9, color=colour)
    ax.yaxis.label.set(size=9, color=colour)
    ax.set_axisbelow(True)
    if grid is not None:
        ax.grid(True, axis=grid, color=colour, alpha=0.12, linewidth=0.8)


def zero_line(ax: matplotlib.axes.Axes, along: Literal["x", "y"]) -> None:
    """The line that bars start from: `along` "y" is upright, "x" level."""
    draw = ax.axvline if along == "y" else ax.axhline
    draw(0, color=ink(ax), alpha=0.5, linewidth=0.8, zorder=1)


def legend(
    ax: matplotlib.axes.Axes, columns: int, *, side: Literal["left", "right"] = "left", handle: float = 0.9
) -> None:
    """The names of the colours in one line above the picture, flush with a side of it; `handle` is in letters."""
    ax.legend(
        loc="lower left" if side == "left" else "lower right",
        bbox_to_anchor=(float(side == "right"), 1.0),
        ncols=columns,
        frameon=False,
        fontsize=8.5,
        labelcolor=ink(ax),
        handlelength=handle,
        handleheight=0.9,
        handletextpad=0.5,
        columnspacing=1.2,
        borderaxespad=0.2,
    )
