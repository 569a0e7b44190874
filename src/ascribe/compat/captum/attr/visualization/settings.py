"""What Captum's pictures share: the sign, its colours, the scale, and where they are drawn."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from ascribe.errors import InputError, need
from ascribe.plots.canvas import SILENT
from ascribe.plots.strength import chosen, reach, relative

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class VisualizeSign(Enum):
    """Which attributions are shown."""

    positive = 1
    absolute_value = 2
    negative = 3
    all = 4


SIGNS: dict[str, str] = {
    "positive": "positive",
    "absolute_value": "absolute",
    "negative": "negative",
    "all": "all",
}
MAPS = {"positive": "Greens", "absolute_value": "Blues", "negative": "Reds"}


def shares(values: np.ndarray, sign: str, outliers: float | int) -> np.ndarray:
    """Attributions of the sign, scaled to their reach."""
    sizes = chosen(values.astype(float), named(SIGNS, sign, "sign"))
    return relative(sizes, reach(sizes, outliers))


def named(known: Any, name: str, argument: str) -> Any:
    if name not in known:
        raise InputError(f"{argument}={name!r}; pass one of {', '.join(map(repr, known))}.")
    return known[name]


def colours(sign: str, cmap: Any) -> Any:
    """The user's colours, or Captum's."""
    from matplotlib.colors import LinearSegmentedColormap

    if cmap is not None:
        return cmap
    return MAPS[sign] if sign != "all" else LinearSegmentedColormap.from_list("RdWhGn", ["red", "white", "green"])


def figure(
    given: tuple[Any, Any] | None, use_pyplot: bool, size: tuple[float | int, float | int], **grid: Any
) -> tuple[Any, Any]:
    """Figure and axes: those given, or new ones, which pyplot knows with `use_pyplot`."""
    if given is not None:
        return given
    if use_pyplot:
        return need("matplotlib.pyplot", extra="plot").subplots(figsize=size, **grid)
    alone = need("matplotlib.figure", extra="plot").Figure(figsize=size)
    return alone, alone.subplots(**grid)


def below(ax: Axes, pad: float) -> Axes:
    from mpl_toolkits.axes_grid1 import make_axes_locatable

    return make_axes_locatable(ax).append_axes("bottom", size="5%", pad=pad)


def show(use_pyplot: bool) -> None:
    """Show pyplot's figures, where its backend can."""
    if use_pyplot:
        pyplot = need("matplotlib.pyplot", extra="plot")
        if pyplot.get_backend().lower() not in SILENT:
            pyplot.show()
