"""How the parts of a network's picture are drawn: each kind of part is one artist, whatever the size of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ascribe.kan.picture import Edge, Kind, Picture
from ascribe.plots.canvas import ink, paper
from ascribe.plots.kinds import LOOKS, written
from ascribe.plots.layout import Band, Layout
from ascribe.plots.palette import FIRST
from ascribe.plots.scale import apart, ends, opacity, unit
from ascribe.plots.sheet import LETTER

if TYPE_CHECKING:
    import matplotlib.axes

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
        return opacity([edge.score for edge in edges], self.beta)

    def text(self, place: tuple[float, float], text: str, size: float, **style: Any) -> None:
        style = {"ha": "center", "va": "center", **style}
        self.ax.text(*place, text, fontsize=size, color=ink(self.ax), **style)

    def lines(
        self,
        segments: list[np.ndarray] | np.ndarray,
        width: float,
        opacity: np.ndarray,
        order: int,
        kinds: Sequence[Kind] | None = None,
        dashed: bool = True,
    ) -> None:
        """Polylines `width` points wide, each in its own opacity and the look of its kind."""
        from matplotlib.collections import LineCollection
        from matplotlib.colors import to_rgba_array

        for kind, look in LOOKS.items():
            some = [n for n in range(len(segments)) if (kind if kinds is None else kinds[n]) == kind]
            if some and (kinds is not None or kind == "numeric"):
                colours = to_rgba_array([look.colour or ink(self.ax)] * len(some), opacity[some])
                dashes = look.dashes if dashed else ()
                drawn = LineCollection(
                    [segments[n] for n in some],
                    colors=colours,
                    linewidths=width,
                    linestyles=[(0, dashes)] if dashes else "solid",  # pyright: ignore[reportArgumentType]
                    capstyle="butt" if dashes else "round",
                    zorder=order,
                )
                self.ax.add_collection(drawn, autolim=False)

    def edges(self, picture: Picture, layout: Layout) -> None:
        """The lines from every source to its thumbnail, on to the subnode, and from factors to their product."""
        segments: list[np.ndarray] = []
        opacity: list[float] = []
        kinds: list[Kind] = []
        for layer, band in enumerate(layout.bands):
            half = np.array([0.0, band.side / 2])
            strength = self.opacity(band.edges)
            for edge, square, seen in zip(band.edges, band.squares, strength, strict=True):
                segments.append(np.array([layout.nodes[layer][edge.source], square - half]))
                segments.append(np.array([square + half, layout.subnodes[layer][edge.subnode]]))
                opacity += [seen, seen]
                kinds.extend((edge.kind, edge.kind))
            for node, factors in _products(picture, layer + 1):
                segments += [np.array([layout.subnodes[layer][f], layout.nodes[layer + 1][node]]) for f in factors]
                opacity += [1.0] * len(factors)
                kinds.extend("numeric" for _ in factors)
            # with products in the layer its sums stand lower than its nodes
            for node in range(picture.width[layer + 1][0]):
                segments.append(np.array([layout.subnodes[layer][node], layout.nodes[layer + 1][node]]))
                opacity.append(1.0)
                kinds.append("numeric")
        width = float(np.clip(12 / np.sqrt(max(len(segments), 1)), 0.4, 1.2))
        self.lines(segments, width, np.array(opacity), 1, kinds)

    def thumbnails(self, band: Band, *, tick: bool, formulas: bool, samples: np.ndarray | None) -> None:
        """Framed curves, as opaque to the lines behind as they are seen, with `samples` (rows, nodes) on them.

        `tick` writes the ends of their ranges beside them, `formulas` the names of functions above them.
        """
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
        kinds: list[Kind] = [edge.kind for edge in band.edges]
        self.lines(frames, 0.7, opacity, 3, kinds)
        curves = [_curve(e, square, band.side) for e, square in zip(band.edges, band.squares, strict=True)]
        self.lines(curves, float(np.clip(2.2 * band.side, 0.7, 1.8)), opacity, 3, kinds, dashed=False)
        if samples is not None:
            places = [
                _curve(e, square, band.side, samples[:, e.source])
                for e, square in zip(band.edges, band.squares, strict=True)
            ]
            # fainter on faint edges, which they would outshine
            colours = to_rgba_array([FIRST] * len(places), 0.75 * np.maximum(opacity, 0.15))
            size = float(np.clip(4 * band.side * self.unit, 0.8, 2.6)) ** 2
            self.ax.scatter(
                *np.concatenate(places).T, s=size, c=np.repeat(colours, len(samples), 0), linewidths=0, zorder=4
            )
        for edge, square, seen in zip(band.edges, band.squares, opacity, strict=True):
            if tick:
                self._ranges(edge, square, band.side, max(seen, 0.5))
            if formulas and edge.function:
                self._name(edge, square, band.side, max(seen, 0.5))

    def _ranges(self, edge: Edge, square: np.ndarray, side: float, alpha: float) -> None:
        (x, y), half = square, side / 2
        (left, right), (low, high) = (apart(*ends(values)) for values in (edge.x, edge.y))
        # both ends of a side have room beside each other
        letters = 2 + max(len(left + right), len(low + high))
        size = float(np.clip(min(8 * side * self.unit, 72 * side * self.unit / (LETTER * letters)), 1.5, 6.5))
        self.text((x - half, y - half), f" {left}", size, ha="left", va="top", alpha=alpha)
        self.text((x + half, y - half), f"{right} ", size, ha="right", va="top", alpha=alpha)
        self.text((x - half, y - half), f"{low} ", size, ha="right", va="bottom", rotation=90, alpha=alpha)
        self.text((x - half, y + half), f"{high} ", size, ha="right", va="top", rotation=90, alpha=alpha)

    def _name(self, edge: Edge, square: np.ndarray, side: float, alpha: float) -> None:
        size = float(np.clip(11 * side * self.unit, 3.0, 8.5))
        # on paper, so that the line above the thumbnail does not run through it
        behind = {"facecolor": paper(self.ax), "edgecolor": "none", "pad": 0.6}
        place = square[0] - side / 2, square[1] + side / 2 + 1.5 / 72 / self.unit
        self.text(place, written(edge.function), size, ha="left", va="bottom", bbox=behind, alpha=alpha, zorder=4)

    def legend(self, kinds: list[Kind], place: tuple[float, float], size: float) -> None:
        """The looks of the kinds with their names in one line that ends at `place`, its upper right corner."""
        from matplotlib.lines import Line2D

        handles = [
            Line2D(
                [],
                [],
                color=LOOKS[kind].colour or ink(self.ax),
                linestyle=(0, LOOKS[kind].dashes) if LOOKS[kind].dashes else "-",
                linewidth=1.4,
                label=kind,
            )
            for kind in kinds
        ]
        self.ax.legend(
            handles=handles,
            loc="upper right",
            bbox_to_anchor=place,
            bbox_transform=self.ax.transData,
            ncols=len(kinds),
            frameon=False,
            fontsize=size,
            labelcolor=ink(self.ax),
            handlelength=2.4,
            handletextpad=0.5,
            columnspacing=1.2,
            borderpad=0,
            borderaxespad=0,
        )

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
    places = np.column_stack([unit(at, edge.x), unit(np.interp(at, edge.x, edge.y), edge.y)])
    return places * side * (1 - 2 * MARGIN) + square
