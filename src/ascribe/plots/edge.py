"""One edge of a KAN, large: its curve, some of the data on it, and what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ascribe.core.arrays import as_array
from ascribe.core.drawing import draws
from ascribe.kan.curves import curves_of
from ascribe.kan.look import curve, seen
from ascribe.kan.network import KAN
from ascribe.plots.canvas import axes, ink, quiet
from ascribe.plots.kinds import LOOKS, kind_of, written
from ascribe.plots.labels import label, number
from ascribe.plots.palette import FIRST

if TYPE_CHECKING:
    import matplotlib.axes

SAMPLES = 200
"""Rows of the data that are marked: more hide the curve."""


@draws(KAN)
def edge(
    kan: KAN,
    l: int,
    i: int,
    j: int,
    *,
    x: Tensor | None = None,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """Edge (l, i, j), from node i of layer l to subnode j of the next, over the range of the data `x` or remembered.

    Up to 200 rows of the data are points on it; a curve breaks off at a pole. The title says what it is, with the
    numbers of a function. Raises InputError for an edge that does not exist, and without data.
    """
    layer = kan.layer_of(l, i, j)
    with torch.no_grad():
        values = seen(kan, l, x)
        ((across, up),) = curves_of(layer, values, torch.tensor([i]), torch.tensor([j]), points=400)
        some = values[:: -(-len(values) // SAMPLES), i]
        at = np.column_stack([as_array(part) for part in (some, curve(layer, i, j, some))])
    ax = axes(ax, 3.4, 4.6)
    kind = kind_of(kan.mode(l, i, j))
    colour = LOOKS[kind].colour or ink(ax)
    ax.plot(across, up, color=colour, linewidth=1.8, zorder=2)
    # points high up on a pole would make the rest of the curve flat
    shown = at[(at[:, 1] >= np.nanmin(up)) & (at[:, 1] <= np.nanmax(up))] if np.isfinite(up).any() else at[:0]
    ax.plot(*shown.T, "o", color=FIRST, markersize=3, mew=0, alpha=0.6, zorder=3)
    ax.set_xlabel(_input(kan, l, i))
    ax.set_ylabel(f"edge ({l}, {i}, {j})")
    ax.set_title(_says(kan, l, i, j, kind), fontsize=10, color=ink(ax))
    ax.locator_params(nbins=6)
    quiet(ax, grid="both")
    return ax


def _input(kan: KAN, l: int, i: int) -> str:
    if l:
        return f"node {i} of layer {l}"
    column = int(kan.input_id[i])
    return f"$x_{{{column + 1}}}$" if kan.names is None else label(kan.names[column])


def _says(kan: KAN, l: int, i: int, j: int, kind: str) -> str:
    symbolic = kan.layers[l].symbolic
    place = symbolic.at(i, j)
    if place is None or symbolic.affine is None:
        return "a fitted curve" if kan.mode(l, i, j) else "no edge"
    a, b, c, d = (number(value) for value in symbolic.affine[place].tolist())
    function = f"{written(symbolic.names[place])}, a = {a}, b = {b}, c = {c}, d = {d}"
    return function if kind == "symbolic" else f"a fitted curve and {function}"
