"""The picture of linear layers: every weight a line, its colour the sign and its opacity the size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ascribe.plots.canvas import axes, ink, root

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure


def linear_network(
    strengths: Sequence[Float[np.ndarray, "_ _"]],
    *,
    beta: float | int = 3,
    scale: float | int = 1.0,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.figure.Figure:
    r"""Layers from below; a line's opacity is $\tanh(\beta\,|strength|)$.  The figure is returned."""
    from matplotlib.collections import LineCollection

    ax = axes(ax, height=1.5 * scale * len(strengths), width=3.0 * scale)
    ax.axis("off")
    ax.set_xlim(0, 1)
    ax.set_ylim(-0.2, len(strengths) + 0.2)
    widths = [strengths[0].shape[1], *(s.shape[0] for s in strengths)]
    places = [(np.arange(n) + 0.5) / n for n in widths]
    for l, strength in enumerate(strengths):
        below, above = np.broadcast_arrays(places[l][None, :], places[l + 1][:, None])
        feet, heads = np.stack([below, np.full(below.shape, l)], -1), np.stack([above, np.full(above.shape, l + 1)], -1)
        ends = np.stack([feet, heads], 2).reshape(-1, 2, 2)
        colours = np.zeros((*strength.shape, 4))
        colours[..., 0], colours[..., 2] = strength <= 0, strength > 0
        colours[..., 3] = np.tanh(beta * np.abs(strength))
        ax.add_collection(LineCollection(list(ends), colors=colours.reshape(-1, 4), linewidths=0.5 * scale))
    for l, place in enumerate(places):
        ax.scatter(place, np.full(len(place), l), s=40 * scale**2 / max(1, max(widths) / 10), color=ink(ax), zorder=2)
    return root(ax)
