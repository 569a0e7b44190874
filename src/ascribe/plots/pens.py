"""How the parts of a network's picture are drawn: each kind of part is one artist, whatever the size of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ascribe.kan.picture import Edge, Picture
from ascribe.plots.canvas import ink, paper
from ascribe.plots.labels import number
from ascribe.plots.layout import Band, Layout
from ascribe.plots.palette import FIRST

if TYPE_CHECKING:
    import matplotlib.axes

FAINTEST = 0.06
"""Opacity that an edge keeps, so that one can see that it is there."""
RADIUS = 0.13
"""Of a sign of sum or product, in the layout's units; dots are half of it."""
MARGIN = 0.12
"""Share of a thumbnail's side left free around its curve."""


@dataclass(frozen=True)
class Pen:
    """Draws on `ax` in the layout's units, of which one is `unit` inches; opacity is tanh(beta * score)."""

    ax: matplotlib.axes.Axes
    beta: float
    unit: float

    def opacity(self, edges: tuple[Edge, ...]) -> np.ndarray:
        return np.maximum(np.tanh(self.beta * np.array([abs(e.score) for e in edges])), FAINTEST)

    def text(self, place: tuple[float, float], text: str, size: float, **style: Any) -> None:
        style = {"ha": "center", "va": "center", **style}
        self.ax.text(*place, text, fontsize=size, color=ink(self.ax), **style)

    def lines(self, segments: list[np.ndarray] | np.ndarray, width: float, opacity: np.ndarray, order: int) -> None:
        """Polylines `width` points wide, each in its own opacity."""
        from matplotlib.collections import LineCollection
        from matplotlib.colors import to_rgba_array

        if len(segments):
            colours = to_rgba_array([ink(self.ax)] * len(segments), opacity)
            self.ax.add_collection(
                LineCollection(list(segments), colors=colours, linewidths=width, capstyle="round", zorder=order),
                autolim=False,
            )

    def edges(self, picture: Picture, layout: Layout) -> None:
        """The lines from every source to its thumbnail, on to the subnode, and from factors to their product."""
        segments, opacity = [], []
        for layer, band in enumerate(layout.bands):
            half = np.array([0.0, band.side / 2])
            strength = self.opacity(band.edges)
            for edge, square, seen in zip(band.edges, band.squares, strength, strict=True):
                segments.append(np.array([layout.nodes[layer][edge.source], square - half]))
                segments.append(np.array([square + half, layout.subnodes[layer][edge.subnode]]))
                opacity += [seen, seen]
            for node, factors in _products(picture, layer + 1):
                segments += [np.array([layout.subnodes[layer][f], layout.nodes[layer + 1][node]]) for f in factors]
                opacity += [1.0] * len(factors)
            # with products in the layer its sums stand lower than its nodes
            for node in range(picture.width[layer + 1][0]):
                segments.append(np.array([layout.subnodes[layer][node], layout.nodes[layer + 1][node]]))
                opacity.append(1.0)
        self.lines(segments, float(np.clip(12 / np.sqrt(len(segments)), 0.4, 1.2)), np.array(opacity), 1)

    def thumbnails(self, band: Band, *, tick: bool, samples: np.ndarray | None) -> None:
        """Framed curves, as opaque to the lines behind as they are seen, with `samples` (rows, nodes) on them."""
        from matplotlib.collections import PolyCollection
        from matplotlib.colors import to_rgba_array

        if not band.edges:
            return
        corners = band.side / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
        frames = band.squares[:, None, :] + corners
        opacity = self.opacity(band.edges)
        background = to_rgba_array([paper(self.ax)] * len(frames), np.minimum(2 * opacity, 1))
        self.ax.add_collection(
            PolyCollection(list(frames), facecolors=background, linewidths=0, zorder=2), autolim=False
        )
        self.lines(frames, 0.7, opacity, 3)
        curves = [_curve(e, square, band.side) for e, square in zip(band.edges, band.squares, strict=True)]
        self.lines(curves, float(np.clip(2.2 * band.side, 0.7, 1.8)), opacity, 3)
        if samples is not None:
            places = [
                _curve(e, square, band.side, samples[:, e.source])
                for e, square in zip(band.edges, band.squares, strict=True)
            ]
            self.ax.plot(*np.concatenate(places).T, "o", color=FIRST, markersize=1.8, mew=0, zorder=4)
        if tick:
            for edge, square in zip(band.edges, band.squares, strict=True):
                self._ranges(edge, square, band.side)

    def _ranges(self, edge: Edge, square: np.ndarray, side: float) -> None:
        size = float(np.clip(8 * side * self.unit, 2.0, 6.5))
        (x, y), half = square, side / 2
        self.text((x - half, y - half), f" {number(float(edge.x.min()), 2)}", size, ha="left", va="top")
        self.text((x + half, y - half), f"{number(float(edge.x.max()), 2)} ", size, ha="right", va="top")
        self.text(
            (x - half, y - half), f"{number(float(edge.y.min()), 2)} ", size, ha="right", va="bottom", rotation=90
        )
        self.text((x - half, y + half), f"{number(float(edge.y.max()), 2)} ", size, ha="right", va="top", rotation=90)

    def nodes(self, picture: Picture, layout: Layout) -> None:
        """A dot a node, with the sign of a sum where several edges meet and of a product above its factors."""
        used = {edge.source for edge in layout.bands[0].edges}
        idle = [place for node, place in enumerate(layout.nodes[0]) if node not in used]
        dots, sums, products = [layout.nodes[0][node] for node in used], [], []
        for layer, band in enumerate(layout.bands):
            arriving = np.bincount([e.subnode for e in band.edges], minlength=len(layout.subnodes[layer]))
            for place, count in zip(layout.subnodes[layer], arriving, strict=True):
                (sums if count > 1 else dots).append(place)
            products += [layout.nodes[layer + 1][node] for node, _ in _products(picture, layer + 1)]
            if picture.width[layer + 1][1]:
                dots += list(layout.nodes[layer + 1][: picture.width[layer + 1][0]])
        crowd = max(len(nodes) for nodes in (*layout.nodes, *layout.subnodes))
        radius = min(RADIUS, 0.42 * layout.width / crowd)
        self._circles(dots, radius / 2, filled=True)
        self._circles(idle, radius / 2, filled=False)
        self._circles(sums + products, radius, filled=False)
        plus = radius * np.array([[[-0.55, 0], [0.55, 0]], [[0, -0.55], [0, 0.55]]])
        cross = radius * np.array([[[-0.4, -0.4], [0.4, 0.4]], [[-0.4, 0.4], [0.4, -0.4]]])
        signs = [place + stroke for place in sums for stroke in plus]
        signs += [place + stroke for place in products for stroke in cross]
        self.lines(signs, 0.9, np.ones(len(signs)), 6)

    def _circles(self, places: list[np.ndarray], radius: float, *, filled: bool) -> None:
        from matplotlib.collections import EllipseCollection

        if places:
            size = np.full(len(places), 2 * radius)
            self.ax.add_collection(
                EllipseCollection(
                    size,
                    size,
                    np.zeros(len(places)),
                    units="xy",
                    offsets=np.array(places),
                    offset_transform=self.ax.transData,
                    facecolors=[ink(self.ax) if filled else paper(self.ax)],
                    edgecolors=[ink(self.ax)],
                    linewidths=0.9,
                    zorder=5,
                ),
                autolim=False,
            )


def _products(picture: Picture, layer: int) -> list[tuple[int, range]]:
    """The product nodes of a layer with the subnodes that are their factors."""
    sums, _ = picture.width[layer]
    found, start = [], sums
    for k, arity in enumerate(picture.arity[layer]):
        found.append((sums + k, range(start, start + arity)))
        start += arity
    return found


def _curve(edge: Edge, square: np.ndarray, side: float, x: np.ndarray | None = None) -> np.ndarray:
    """The edge's curve inside its square, or where it is at some `x`."""
    at = edge.x if x is None else x
    places = np.column_stack([_unit(at, edge.x), _unit(np.interp(at, edge.x, edge.y), edge.y)])
    return places * side * (1 - 2 * MARGIN) + square


def _unit(values: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`values` on the scale that runs from -1/2 to 1/2 over `whole`; a constant is in the middle."""
    low, high = float(whole.min()), float(whole.max())
    # differences at the level of rounding are no shape
    flat = high - low <= 1e-6 * max(abs(low), abs(high))
    return np.zeros(len(values)) if flat else (values - low) / (high - low) - 0.5
