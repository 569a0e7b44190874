"""What runs where through the layers of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ascribe.core.attribution import Attribution
from ascribe.core.drawing import draws
from ascribe.errors import InputError
from ascribe.kan.network import KAN
from ascribe.kan.structure import Network
from ascribe.plots.canvas import axes, ink, letters, quiet, room
from ascribe.plots.flow import Flow, flow_of
from ascribe.plots.labels import label
from ascribe.plots.palette import SERIES

if TYPE_CHECKING:
    import matplotlib.axes

BAR, GAP = 0.035, 0.025
"""Width of a node, in layers, and room between nodes, in heights of a layer."""
FAINT = 0.003
"""Links below this share of a layer are thinner than a line, and are left out."""
LINE = 0.16
"""Inches of a line of names."""
READABLE = 0.04
"""Nodes below this share of a layer, between the first and the last, have no room for their name."""


@draws(Attribution)
@draws(KAN)
def sankey(
    flow: Flow | Network | Attribution | Sequence[Attribution],
    *,
    names: Sequence[str] = (),
    top: int = 8,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """Layers from left to right; a node is as high as its share of its layer, a ribbon as thick as what it hands on.

    Of a KAN, or of attributions at layers: then links are not known, ribbons go in proportion to the nodes they join,
    and the label says so. Colours start at the inputs and mix where ribbons meet. Beyond the `top` strongest nodes of a
    layer the others are one.

    `names` are those of the nodes of the first layer.

    Raises InputError for what has no flow, or another number of names.
    """
    whole = flow_of(flow)
    if len(names) not in (0, len(whole.names[0])):
        raise InputError(f"names has {len(names)} names, but the first layer has {len(whole.names[0])} nodes.")
    whole = replace(whole, names=(tuple(names), *whole.names[1:])) if len(names) else whole
    shown = whole.strongest(top)
    count = max(len(layer) for layer in shown.nodes)
    ax = axes(ax, 1.0 + 0.36 * max(count, 4))
    nodes = [layer / (layer.sum() or 1.0) for layer in shown.nodes]
    bottoms = [_stacked(layer, count) for layer in nodes]
    colours = [np.array([_rgb(SERIES[i % len(SERIES)]) for i in range(len(nodes[0]))])]
    for place, link in enumerate(shown.links):
        leaving, arriving = _ends(nodes[place], link, 1), _ends(nodes[place + 1], link, 0)
        _ribbons(ax, place, bottoms[place : place + 2], leaving, arriving, colours[-1])
        colours.append(_mixed(arriving, colours[-1]))
    for place, (layer, bottom, colour) in enumerate(zip(nodes, bottoms, colours, strict=True)):
        ax.bar(np.full(len(layer), place), layer, BAR, bottom, color=np.clip(colour, 0, 1), zorder=3)
    height = 1.03 + GAP * (count - 1)
    _names(ax, shown, nodes, bottoms, LINE * height / (0.8 * room(ax)[1]))
    ax.set_xlim(-BAR, len(nodes) - 1 + BAR)
    ax.set_ylim(height, 0)
    says = ["height: share of the layer"]
    layers = zip(whole.nodes, nodes, strict=True)
    if any(len(layer) > len(drawn) and drawn[-1] >= FAINT for layer, drawn in layers):
        says.append(f"the {top} strongest nodes of a layer stand alone")
    if not whole.measured:
        says.append("ribbons are not measured: they go in proportion to the nodes they join")
    ax.set_xlabel("\n".join(says))
    quiet(ax)
    return ax


STILL = "#8a8f98"
"""The colour of a node that nothing reaches."""


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def _stacked(layer: np.ndarray, count: int) -> np.ndarray:
    """The upper ends of a layer's nodes, the layer in the middle of the picture."""
    room = GAP * (count - len(layer)) / 2
    return room + np.cumsum(layer) - layer + GAP * np.arange(len(layer))


def _ends(layer: np.ndarray, link: np.ndarray, along: int) -> np.ndarray:
    """How thick each ribbon is at one end: its part of the node there."""
    total = link.sum(along, keepdims=True)
    shares = np.divide(link, total, out=np.zeros_like(link), where=total > 0)
    return shares * (layer[:, None] if along else layer)


def _mixed(arriving: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """The colour of each node of the next layer: a mean of what arrives; grey where nothing does."""
    weight = arriving.sum(0)[:, None]
    return np.where(weight > 0, arriving.T @ colours / np.where(weight > 0, weight, 1.0), _rgb(STILL))


def _ribbons(
    ax: matplotlib.axes.Axes,
    place: int,
    bottoms: list[np.ndarray],
    leaving: np.ndarray,
    arriving: np.ndarray,
    colours: np.ndarray,
) -> None:
    from matplotlib.collections import PathCollection

    left = bottoms[0][:, None] + np.cumsum(leaving, 1) - leaving
    right = bottoms[1] + np.cumsum(arriving, 0) - arriving
    drawn = np.argwhere(np.maximum(leaving, arriving) >= FAINT).tolist()
    start, end = place + BAR / 2, place + 1 - BAR / 2
    paths = [
        _ribbon(start, end, left[i, j], left[i, j] + leaving[i, j], right[i, j], right[i, j] + arriving[i, j])
        for i, j in drawn
    ]
    faces = [(*np.clip(colours[i], 0, 1), 0.38) for i, _ in drawn]
    ax.add_collection(PathCollection(paths, facecolors=faces, linewidths=0, zorder=2), autolim=False)


def _ribbon(x0: float, x1: float, top0: float, low0: float, top1: float, low1: float) -> Any:
    """A ribbon that leaves and arrives level."""
    from matplotlib.path import Path

    middle = (x0 + x1) / 2
    corners = [
        (x0, top0), (middle, top0), (middle, top1), (x1, top1),
        (x1, low1), (middle, low1), (middle, low0), (x0, low0), (x0, top0),
    ]  # fmt: skip
    curve = [Path.CURVE4] * 3
    return Path(corners, [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY])


def _names(
    ax: matplotlib.axes.Axes, flow: Flow, nodes: list[np.ndarray], bottoms: list[np.ndarray], line: float
) -> None:
    last = len(nodes) - 1
    middles = [bottom + layer / 2 for bottom, layer in zip(bottoms, nodes, strict=True)]
    for place in (0, last):
        middles[place] = _apart(middles[place], line)
    ax.set_yticks(middles[0], [label(name, letters(ax) // 2 + 6) for name in flow.names[0]])
    ax.set_xticks(range(len(nodes)), [label(name, 16) for name in flow.layers])
    for place in range(1, len(nodes)):
        for name, share, middle in zip(flow.names[place], nodes[place], middles[place], strict=True):
            if place == last or share >= READABLE:
                side = place + 0.7 * BAR
                ax.text(side, middle, label(name, 18), va="center", fontsize=8.5, color=ink(ax), zorder=4)


def _apart(places: np.ndarray, line: float) -> np.ndarray:
    """Places in order, each moved back until it is a line before the next, but none before 0.

    >>> _apart(np.array([0.25, 0.875, 0.9375, 1.0]), 0.125).tolist()
    [0.25, 0.75, 0.875, 1.0]
    """
    steps = line * np.arange(len(places))
    return np.maximum(np.minimum.accumulate((places - steps)[::-1])[::-1], 0) + steps
