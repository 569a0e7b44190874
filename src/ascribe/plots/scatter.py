"""What a feature does at each of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ascribe.core.attribution import Attribution
from ascribe.core.drawing import draws
from ascribe.core.schema import find_column
from ascribe.errors import InputError
from ascribe.plots.canvas import axes, ink, legend, quiet, zero_line
from ascribe.plots.labels import label
from ascribe.plots.levels import points, sixths
from ascribe.plots.palette import FIRST
from ascribe.plots.values import contributions, own_values

if TYPE_CHECKING:
    import matplotlib.axes


@draws(Attribution)
def scatter(
    attribution: Attribution,
    feature: str | int,
    *,
    colour: str | int | None = None,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """A point a row: the feature's value, and its attribution; in the colour of another feature's value, low to high.

    Where points of one value stand above each other in another order than their colours, the two features act together.
    Colours go by rank, in sixths of the rows.

    Raises InputError for an unknown feature, and where features are not numbers of the input (groups, layers).
    """
    own = own_values(attribution)
    if own is None:
        raise InputError(
            "a feature of this attribution is not one number of the input, so it has no value to stand at; "
            "explain the input without groups= and at=."
        )
    place = _column(attribution, feature)
    x, y = own[:, place], contributions(attribution)[:, place]
    ax = axes(ax, 3.6)
    # the more points, the fainter each: the eye adds them up
    alpha = float(np.clip(14 / np.sqrt(len(x)), 0.25, 0.85))
    many = len(x) > 800
    if colour is None:
        ax.scatter(x, y, s=14, color=FIRST, alpha=alpha, linewidths=0, rasterized=many)
    else:
        other = _column(attribution, colour)
        points(ax, x, y, sixths(own[:, other]), size=14.0, alpha=alpha, many=many)
        legend(ax, 2, side="right")
        ax.set_title(f"colour: {label(attribution.columns[other], 30)}", loc="left", size=8.5, color=ink(ax))
    ax.set_xlabel(label(attribution.columns[place], 60))
    ax.set_ylabel(f"attribution, {label(attribution.method.name)}")
    quiet(ax, grid="both")
    zero_line(ax, along="x")
    return ax


def _column(attribution: Attribution, feature: str | int) -> int:
    names = attribution.columns
    if isinstance(feature, str):
        return names.index(find_column(feature, names))
    if not -len(names) <= feature < len(names):
        raise InputError(f"feature {feature} does not exist; there are {len(names)} (0 to {len(names) - 1}).")
    return feature % len(names)
