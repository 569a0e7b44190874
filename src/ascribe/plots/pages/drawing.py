"""The network as SVG, in hundredths of the layout's unit: every edge and node an element of its own."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np

from ascribe.kan.picture import Edge
from ascribe.plots.kinds import LOOKS
from ascribe.plots.labels import LONGEST, short
from ascribe.plots.layout import Band
from ascribe.plots.pages.formulas import Formulas
from ascribe.plots.pages.mathematics import Runs
from ascribe.plots.pages.outline import FINE, outline
from ascribe.plots.pens import MARGIN, RADIUS
from ascribe.plots.sheet import BORDER, Sheet


@dataclass(frozen=True)
class Drawing:
    """`opacity` is that of the edges, one after another from the first layer to the last."""

    sheet: Sheet
    formulas: Formulas
    opacity: np.ndarray

    def svg(self, says: str) -> str:
        """The picture, read out as `says`; edges have the ids e0, e1, ..., their lines l0, ..., nodes n0, ..."""
        layout, sheet = self.sheet.layout, self.sheet
        width, height = layout.width + 2 * BORDER, layout.height + sheet.above + sheet.below + 2 * BORDER
        natural = round(100 * sheet.inches[0])
        count = max(len(self.opacity), 1)
        pens = f"--thin:{np.clip(12 / np.sqrt(2 * count), 0.5, 1.4):.2f}"
        head = (
            f'<svg id="network" viewBox="0 0 {100 * width:.0f} {100 * height:.0f}" role="group" aria-label="{says}"'
            f' style="--natural:{natural}px;--least:{round(0.6 * natural)}px;{pens}">'
        )
        return f"{head}{self._lines()}{self._thumbnails()}{self._nodes()}{self._names()}</svg>"

    def legend(self) -> str:
        """The looks of the kinds, where there are several."""
        line = '<svg viewBox="0 0 34 8" aria-hidden="true"><line x1="0" x2="34" y1="4" y2="4"/></svg>'
        entries = "".join(f'<span class="{kind}">{line}{kind}</span>' for kind in LOOKS if kind in self.sheet.kinds)
        return f'<div class="legend">{entries}</div>' if entries else ""

    def _at(self, place: np.ndarray) -> tuple[float, float]:
        top = self.sheet.layout.height + self.sheet.above + BORDER
        return 100 * (float(place[0]) + BORDER), 100 * (top - float(place[1]))

    def _path(self, *places: np.ndarray) -> str:
        return "M" + "L".join("{:.1f} {:.1f}".format(*self._at(place)) for place in places)

    def _lines(self) -> str:
        layout, found, number = self.sheet.layout, list[str](), 0
        for layer, band in enumerate(layout.bands):
            half = np.array([0.0, band.side / 2])
            for edge, square in zip(band.edges, band.squares, strict=True):
                path = self._path(layout.nodes[layer][edge.source], square - half)
                path += self._path(square + half, layout.subnodes[layer][edge.subnode])
                style = f"--o:{self.opacity[number]:.3f}"
                found.append(f'<path class="link {edge.kind}" id="l{number}" d="{path}" style="{style}"/>')
                number += 1
            for node, subnodes in enumerate(self._subnodes(layer + 1)):
                path = "".join(
                    self._path(layout.subnodes[layer][subnode], layout.nodes[layer + 1][node]) for subnode in subnodes
                )
                found.append(f'<path class="join" d="{path}"/>' if self.sheet.picture.width[layer + 1][1] else "")
        return "".join(found)

    def _subnodes(self, layer: int) -> list[range]:
        """The subnodes of every node of a layer."""
        sums, _ = self.sheet.picture.width[layer]
        starts = np.concatenate([[sums], sums + np.cumsum(self.sheet.picture.arity[layer])]).astype(int).tolist()
        return [range(k, k + 1) for k in range(sums)] + [range(a, b) for a, b in pairwise(starts)]

    def _thumbnails(self) -> str:
        found, number = list[str](), 0
        for band in self.sheet.layout.bands:
            for edge, square in zip(band.edges, band.squares, strict=True):
                found.append(self._thumbnail(edge, square, band, number))
                number += 1
        return "".join(found)

    def _thumbnail(self, edge: Edge, square: np.ndarray, band: Band, number: int) -> str:
        x, y = self._at(square)
        side = 100 * band.side
        scale = side * (1 - 2 * MARGIN) / FINE
        corner = side * (0.5 - MARGIN)
        box = f'<rect x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}"/>'
        moved = f"translate({x - corner:.1f} {y - corner:.1f}) scale({scale:.5f})"
        style = f"--o:{self.opacity[number]:.3f};--pen:{np.clip(0.021 * side, 0.8, 2.0):.2f}px"
        curve = f'<path transform="{moved}" d="{outline(edge)}"/>'
        return f'<g class="e {edge.kind}" id="e{number}" style="{style}">{box}{curve}</g>'

    def _nodes(self) -> str:
        layout, found, number = self.sheet.layout, list[str](), 0
        crowd = max(len(nodes) for nodes in (*layout.nodes, *layout.subnodes))
        radius = 100 * min(RADIUS, 0.42 * layout.width / crowd)
        # easy to hit, and still apart
        reach = 100 * min(0.2, 0.5 * layout.width / crowd)
        for layer, nodes in enumerate(layout.nodes):
            arriving = [edge.subnode for edge in layout.bands[layer - 1].edges] if layer else []
            products = layer > 0 and self.sheet.picture.width[layer][1] > 0
            for node, place in enumerate(nodes):
                signs: list[str] = []
                if layer:
                    subnodes = self._subnodes(layer)[node]
                    multiplies = node >= self.sheet.picture.width[layer][0]
                    for subnode in subnodes:
                        sums = arriving.count(subnode) > 1
                        signs.append(self._sign(layout.subnodes[layer - 1][subnode], radius, "+" if sums else ""))
                    if multiplies or products:
                        signs.append(self._sign(place, radius, "×" if multiplies else ""))
                else:
                    signs.append(self._sign(place, radius, ""))
                x, y = self._at(place)
                area = f'<circle class="area" cx="{x:.1f}" cy="{y:.1f}" r="{reach:.1f}"/>'
                found.append(f'<g class="node" id="n{number}">{area}{"".join(signs)}</g>')
                number += 1
        return "".join(found)

    def _sign(self, place: np.ndarray, radius: float, sign: str) -> str:
        x, y = self._at(place)
        size = radius if sign else radius / 2
        look = "sign" if sign else "sign dot"
        circle = f'<circle class="{look}" cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>'
        a = 0.55 * radius if sign == "+" else 0.4 * radius
        strokes = {
            "+": f"M{x - a:.1f} {y:.1f}h{2 * a:.1f}M{x:.1f} {y - a:.1f}v{2 * a:.1f}",
            "×": f"M{x - a:.1f} {y - a:.1f}l{2 * a:.1f} {2 * a:.1f}m{-2 * a:.1f} 0l{2 * a:.1f} {-2 * a:.1f}",
        }
        return circle + (f'<path d="{strokes[sign]}"/>' if sign else "")

    def _names(self) -> str:
        layout, last = self.sheet.layout, len(self.sheet.layout.nodes) - 1
        return self._row(0, layout.nodes[0], self.sheet.inputs, -1) + self._row(
            last, layout.nodes[-1], self.sheet.outputs, 1
        )

    def _row(self, layer: int, nodes: np.ndarray, names: tuple[str, ...], side: int) -> str:
        every, points = self.sheet.fitted(names)
        size = 100 * points / 72 / self.sheet.unit
        found: list[str] = []
        for node, place in list(enumerate(nodes))[::every]:
            x, y = self._at(place + np.array([0.0, 0.25 * side]))
            runs = self.formulas.name(layer, node)
            text = _spans(runs if len(runs) > 1 else [(short(text, LONGEST), level) for text, level in runs], size)
            if self.sheet.turned(names):
                anchor = "end" if side < 0 else "start"
                where = f'transform="translate({x + 0.35 * size:.1f} {y:.1f}) rotate(-90)" text-anchor="{anchor}"'
            else:
                where = f'x="{x:.1f}" y="{y + (0.8 * size if side < 0 else 0):.1f}" text-anchor="middle"'
            found.append(f'<text {where} style="font-size:{size:.1f}px">{text}</text>')
        return "".join(found)


def _spans(name: Runs, size: float) -> str:
    """The runs as text of an SVG; what is above or below the line is smaller."""
    found, level = "", 0
    for text, own in name:
        off = 0.28 * size * (level - own)
        shift = f' dy="{off:.1f}"' if off else ""
        small = f' font-size="{0.7 * size:.1f}"' if own else ""
        found += f"<tspan{shift}{small}>{escape(text)}</tspan>" if shift or small else escape(text)
        level = own
    return found
