"""When the reasons for the output happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from ascribe.core.arrays import as_array
from ascribe.core.attribution import Attribution
from ascribe.core.drawing import draws
from ascribe.core.nest import leaves
from ascribe.errors import InputError
from ascribe.plots.canvas import axes, ink, letters, quiet
from ascribe.plots.labels import alike, label, number
from ascribe.plots.ramp import both_signs
from ascribe.plots.strength import reach
from ascribe.plots.trace import Shades, borders, shade
from ascribe.plots.values import of_row

if TYPE_CHECKING:
    import matplotlib.axes

STRONGEST = 0.75
"""Opacity of the fullest shade: the curve over it still stands out."""


@draws(Attribution)
def series(
    attribution: Attribution,
    row: int = 0,
    *,
    channels: Literal["last", "first"] = "last",
    outliers: float | int = 2.0,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """One row of a time series: a lane a channel, its curve over shades of its attributions, blue down and red up.

    A row has shape (steps,), (steps, channels), or (channels, steps) with `channels="first"`. Every curve fills its
    lane; the numbers beside its name are its smallest and largest value.

    Raises InputError for rows of another shape, and for values that are not one for each entry.
    """
    values, own = of_row(attribution, row), as_array(leaves(attribution.inputs)[0][row])
    if values.shape != own.shape or values.ndim not in (1, 2):
        raise InputError(
            f"the values of a row have shape {values.shape} for inputs {own.shape}; a series needs one value for each "
            "entry of (steps,) or (steps, channels)."
        )
    table, curves = (part.reshape(len(part), -1) for part in (values, own))
    names = _names(attribution, table.shape, channels)
    if channels == "first" and values.ndim == 2:
        table, curves = table.T, curves.T
    steps, count = table.shape
    ax = axes(ax, 0.9 + min(0.75, 8 / count) * count)
    full = reach(table, outliers)
    place = np.arange(steps, dtype=float)
    shades = Shades(both_signs(STRONGEST), -(full or 1.0), full or 1.0)
    ticks: list[str] = []
    for lane in range(count):
        shade(ax, place, table[:, lane], shades, lane=(lane + 0.04, lane + 0.96))
        low, high = float(curves[:, lane].min()), float(curves[:, lane].max())
        inside = (high - curves[:, lane]) / (high - low) if high > low else np.full(steps, 0.5)
        ax.plot(place, lane + 0.12 + 0.76 * inside, color=ink(ax), linewidth=1.2)
        ticks.append(label(names[lane], letters(ax)) + "\n" + " … ".join(alike([low, high])))
    ax.set_yticks(np.arange(count) + 0.5, ticks)
    ax.set_ylim(count, 0)
    ax.set_xlim(*borders(place)[[0, -1]])
    says = f"full colour at ±{number(full)}" if full else "nothing to see"
    ax.set_xlabel(f"step; shades: attribution, {label(attribution.method.name)}, {says}")
    quiet(ax)
    return ax


def _names(attribution: Attribution, shape: tuple[int, ...], channels: str) -> list[str]:
    """A name a channel: that of its first step without the step's number, where all have one."""
    names = np.array(attribution.names, dtype=object)
    if names.size != shape[0] * shape[1]:
        return [f"channel {i}" for i in range(shape[1] if channels == "last" else shape[0])]
    first = names.reshape(shape)[0] if channels == "last" else names.reshape(shape)[:, 0]
    if shape[1] == 1 and channels == "last":
        return [""]
    stems = [str(name).removesuffix("[0]") for name in first]
    named = all(stem != name for stem, name in zip(stems, first, strict=True))
    return stems if named else [f"channel {i}" for i in range(len(first))]
