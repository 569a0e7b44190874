"""Which features act together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ascribe.core.arrays import as_array
from ascribe.core.attribution import Attribution
from ascribe.core.drawing import draws
from ascribe.errors import InputError
from ascribe.plots.canvas import axes
from ascribe.plots.labels import label, number
from ascribe.plots.ranking import strongest
from ascribe.plots.token_map import token_map
from ascribe.plots.values import checked_row, one_output

if TYPE_CHECKING:
    import matplotlib.axes


@draws(Attribution)
def pairs(
    attribution: Attribution, row: int | None = None, *, top: int = 12, ax: matplotlib.axes.Axes | None = None
) -> matplotlib.axes.Axes:
    """Features by features: the interaction of each pair, and on the diagonal what a feature does alone.

    Of one row, or the mean over all; blue pushes the output down, red up. Only the `top` features with the strongest
    values are shown, and the label says so. Raises InputError for values that are not of pairs.
    """
    one_output(attribution)
    values, names = attribution.values, attribution.names
    if values.ndim != 3 or tuple(values.shape[1:]) != (len(names), len(names)):
        raise InputError(
            f"the values have shape {tuple(values.shape)} for {len(names)} features, which are no pairs; explain with "
            "a method of pairs, such as ShapleyInteractions()."
        )
    if row is not None:
        checked_row(attribution, row)
    table = as_array(values).mean(0) if row is None else as_array(values[row])
    shown = strongest(np.abs(table).sum(0), top).shown[:top]
    ax = axes(ax, 1.4 + 0.36 * len(shown), min(7.2, 2.2 + 0.52 * len(shown)))
    table = table[np.ix_(shown, shown)]
    labels = [names[int(i)] for i in shown]
    token_map(table, labels, labels, ax=ax)
    part = "" if len(shown) == len(names) else f"the {len(shown)} strongest of {len(names)} features\n"
    rows = "mean over the rows" if row is None else f"row {row}"
    full = float(np.abs(table).max(initial=0.0))
    scale = f"full colour at ±{number(full)}" if full else "nothing to see"
    ax.set_xlabel(f"{part}{rows}\n{label(attribution.method.name)}; {scale}")
    return ax
