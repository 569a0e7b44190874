"""Which values of a feature push the output up, and which down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ascribe.core.attribution import Attribution
from ascribe.core.drawing import draws
from ascribe.plots.canvas import axes, legend, letters, quiet, zero_line
from ascribe.plots.labels import label
from ascribe.plots.levels import NEUTRAL, points, sixths
from ascribe.plots.ranking import strongest
from ascribe.plots.values import contributions, own_values

if TYPE_CHECKING:
    import matplotlib.axes

BINS = 90
"""Points closer than a ninetieth of the axis are stacked."""


@draws(Attribution)
def beeswarm(
    attribution: Attribution,
    *,
    own: Float[np.ndarray, "rows features"] | None = None,
    top: int = 10,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """A point a row and feature: it stands at its attribution and has the colour of the feature's value, low to high.

    Colours go by rank (sixths of the rows), so that an outlier does not wash the others out. `own` are the values to
    colour by, where the inputs are not the features themselves; where these are NaN the points stay neutral.
    """
    values = contributions(attribution)
    shown = strongest(np.abs(values).mean(0), top).shown[:top]
    ax = axes(ax, 0.9 + 0.42 * max(len(shown), 2))
    low, high = min(values[:, shown].min(), 0.0), max(values[:, shown].max(), 0.0)
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    x = values[:, shown]
    y = np.stack([line + _offsets(x[:, line], edges) for line in range(len(shown))], axis=1)
    own = own_values(attribution) if own is None else own
    levels = np.full(x.shape, NEUTRAL) if own is None else np.stack([sixths(own[:, i]) for i in shown], axis=1)
    many = len(x) > 300
    points(ax, x, y, levels, size=7.0 if many else 14.0, many=many)
    if (levels != NEUTRAL).any():
        legend(ax, 2, side="right")
    ax.set_yticks(range(len(shown)), [label(attribution.columns[int(i)], letters(ax)) for i in shown])
    ax.set_ylim(len(shown) - 0.45, -0.55)
    ax.set_xlabel(f"attribution, {label(attribution.method.name)}")
    quiet(ax, grid="x")
    zero_line(ax, along="y")
    return ax


def _offsets(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How far each point moves off its line: those of one bin are stacked about it, the fullest bin fills the band."""
    bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    order = np.argsort(bins, kind="stable")
    counts = np.bincount(bins, minlength=len(edges) - 1)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    place = np.empty(len(values))
    place[order] = np.arange(len(values)) - first[bins[order]]
    centred = place - (counts[bins] - 1) / 2
    return centred * min(0.075, 0.8 / max(counts.max(), 1))
