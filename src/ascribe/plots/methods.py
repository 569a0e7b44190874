"""What several methods say of the same rows, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ascribe.core.drawing import draws
from ascribe.metrics.comparison import Comparison
from ascribe.plots.canvas import WIDTH, axes, inches, legend, quiet, rows_height, zero_line
from ascribe.plots.labels import label
from ascribe.plots.palette import SERIES
from ascribe.plots.ranking import strongest
from ascribe.plots.values import contributions

if TYPE_CHECKING:
    import matplotlib.axes


@draws(Comparison, default=True)
def methods(comparison: Comparison, *, top: int = 12, ax: matplotlib.axes.Axes | None = None) -> matplotlib.axes.Axes:
    r"""Grouped bars: each method's attributions summed over the rows, over the $L_1$ norm of these sums.

    Summed with their signs: where rows push a feature both ways its bar is short. Features stand in the order of the
    first method's mean $|a_i|$, as in the other pictures; those beyond `top` are added up.
    The bars lie down where there is no room for upright ones.
    """
    lines, shares = _lines(comparison, top)
    # an axes of its own takes 0.775 of a figure's width
    width = WIDTH if ax is None else float(ax.get_position().width / 0.775 * inches(ax))
    lying = not _stand(lines, width)
    ax = axes(ax, height(comparison, width, top))
    _bars(ax, shares, list(comparison.attributions), lying)
    (ax.set_yticks if lying else ax.set_xticks)(np.arange(len(lines)), lines)
    (ax.set_xlabel if lying else ax.set_ylabel)("share of all attribution")
    if lying:
        ax.invert_yaxis()
    quiet(ax, grid="x" if lying else "y")
    zero_line(ax, along="y" if lying else "x")
    return ax


def height(comparison: Comparison, width: float, top: int = 12) -> float:
    """Inches that the picture needs at this width: lying bars are thick enough to tell their colours apart."""
    lines, shares = _lines(comparison, top)
    return 3.6 if _stand(lines, width) else rows_height(0) + len(lines) * (0.09 + 0.085 * len(shares))


def _lines(comparison: Comparison, top: int) -> tuple[list[str], np.ndarray]:
    """The names that are shown, and their shares (methods, names)."""
    sums = np.stack([contributions(a).sum(0) for a in comparison.attributions.values()])
    norms = np.abs(sums).sum(1, keepdims=True)
    shares = np.divide(sums, norms, out=np.zeros_like(sums), where=norms > 0)
    first = next(iter(comparison.attributions.values()))
    ranking = strongest(np.abs(contributions(first)).mean(0), top)
    return [label(name, 18) for name in ranking.names(first.columns)], ranking.gather(shares)


def _stand(lines: list[str], width: float) -> bool:
    """Whether names fit side by side under upright bars in a figure of `width` inches; else the bars lie down."""
    longest = max(len(line) for line in lines)
    return bool(0.88 * width / len(lines) >= max(0.62, 0.075 * longest))


def _bars(ax: matplotlib.axes.Axes, shares: np.ndarray, names: list[str], lying: bool) -> None:
    thickness = 0.8 / len(shares)
    for k, (share, name) in enumerate(zip(shares, names, strict=True)):
        place = np.arange(len(share)) + (k - (len(shares) - 1) / 2) * thickness
        draw = ax.barh if lying else ax.bar
        draw(place, share, 0.9 * thickness, color=SERIES[k % len(SERIES)], label=label(name, 40))
    legend(ax, 2 if lying else 3)
