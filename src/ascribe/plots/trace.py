"""A curve over time together with one number a step: behind it as shades, or on it as its colour."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    import matplotlib.axes
    from matplotlib.collections import LineCollection, PolyCollection


@final
@dataclass(frozen=True)
class Shades:
    """How numbers become colours: in full at `high`, and at `low`, which is 0 for a single sign."""

    cmap: Any
    low: float
    high: float
    opacity: float = 1.0

    def paint(self, collection: PolyCollection | LineCollection, values: np.ndarray) -> None:
        """Give every piece of a collection the colour of its value."""
        collection.set_cmap(self.cmap)
        collection.set_clim(self.low, self.high)
        collection.set_array(values)
        if self.opacity != 1:
            # an opacity of 1 would undo the transparent parts of a colour scale
            collection.set_alpha(self.opacity)


def borders(x: Float[np.ndarray, " steps"]) -> Float[np.ndarray, " borders"]:
    """Where one step ends and the next begins: in the middle between them; the ends are as wide as their neighbours.

    >>> borders(np.array([0.0, 1.0, 3.0])).tolist(), borders(np.array([5.0])).tolist()
    ([-0.5, 0.5, 2.0, 4.0], [4.5, 5.5])
    """
    if len(x) == 1:
        return np.array([x[0] - 0.5, x[0] + 0.5])
    middles = (x[1:] + x[:-1]) / 2
    return np.concatenate([[2 * x[0] - middles[0]], middles, [2 * x[-1] - middles[-1]]])


def shade(
    ax: matplotlib.axes.Axes,
    x: Float[np.ndarray, " steps"],
    values: Float[np.ndarray, " steps"],
    shades: Shades,
    *,
    lane: tuple[float, float] | None = None,
) -> PolyCollection:
    """One rectangle a step, from the bottom of the axes to the top, or between the heights of a lane."""
    from matplotlib.collections import PolyCollection

    ends, (low, high) = borders(x), lane or (0.0, 1.0)
    corners = [[(a, low), (b, low), (b, high), (a, high)] for a, b in pairwise(ends.tolist())]
    transform = ax.get_xaxis_transform() if lane is None else ax.transData
    # neighbours meet in one line: smoothed edges would let the paper through
    drawn = PolyCollection(corners, transform=transform, linewidths=0, antialiaseds=False, zorder=0.5)
    shades.paint(drawn, values)
    ax.add_collection(drawn, autolim=False)
    return drawn


def coloured(
    ax: matplotlib.axes.Axes,
    x: Float[np.ndarray, " steps"],
    y: Float[np.ndarray, " steps"],
    values: Float[np.ndarray, " steps"],
    shades: Shades,
    **style: Any,
) -> LineCollection:
    """The curve in pieces, each in the colour of the step it starts from; `style` is that of the line."""
    from matplotlib.collections import LineCollection

    points = np.stack([x, y], 1)
    drawn = LineCollection(list(np.stack([points[:-1], points[1:]], 1)), **style)
    shades.paint(drawn, values[: len(points) - 1])
    ax.add_collection(drawn)
    return drawn
