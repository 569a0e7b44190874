"""The sheet that a network is drawn on: its layout, the size of a unit, and the room that names need around it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ascribe.errors import InputError
from ascribe.kan.picture import Edge, Kind, Picture, strongest
from ascribe.plots.kinds import LOOKS
from ascribe.plots.layout import Layout, lay_out

MOST = 1000
"""Edges drawn at most: with more, thumbnails are too small to read on a large sheet."""
INCHES = 0.72
"""Inches a unit of the layout has where nothing else is asked: the widest network then fills a page."""
TICKED, GROWTH = 0.62, 2.0
"""Inches of a thumbnail's side that texts beside it need, and how much a sheet grows for them at most."""
LETTER = 0.55
"""Mean width of a letter over its size."""
NAME = 10.0
"""Points of a name."""
READABLE = 4.0
"""Points of the smallest name that is written."""
BORDER = 0.15


@dataclass(frozen=True)
class Sheet:
    """Heights are in the layout's units, of which one is `unit` inches; `size` is that of names, in points."""

    picture: Picture
    edges: tuple[Edge, ...]
    layout: Layout
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    unit: float
    size: float

    @property
    def line(self) -> float:
        """Height of a line of names."""
        return self.size / 72 / self.unit

    def longest(self, names: tuple[str, ...]) -> float:
        return max(letters_in(name) for name in names) * LETTER * self.line

    def turned(self, names: tuple[str, ...]) -> bool:
        """Whether the names of a layer's nodes stand upright, having no room side by side."""
        return bool(self.longest(names) > 0.92 * self.layout.width / len(names))

    def room(self, names: tuple[str, ...]) -> float:
        """Height from the nodes to the end of their names."""
        return 0.25 + (self.longest(names) if self.turned(names) else 1.6 * self.line)

    def fitted(self, names: tuple[str, ...]) -> tuple[int, float]:
        """Which names are written, every first, second, ..., and their size in points."""
        if not self.turned(names):
            return 1, self.size
        # names that stand upright side by side need a line each
        room = 0.95 * self.layout.width / len(names) * self.unit * 72
        every = math.ceil(READABLE / room)
        return every, min(self.size, every * room)

    @property
    def below(self) -> float:
        return self.room(self.inputs)

    @property
    def above(self) -> float:
        return self.room(self.outputs) + (1.4 * self.line if self.note or self.kinds else 0.0)

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height of a figure that this sheet fills."""
        layout, border = self.layout, 2 * BORDER
        return (layout.width + border) * self.unit, (layout.height + self.below + self.above + border) * self.unit

    @property
    def note(self) -> str:
        """What is not drawn, if anything."""
        count, score = self.picture.left_out
        every = self.picture.edges
        if not count and len(self.edges) == len(every):
            return ""
        whole = sum(e.score for e in every) + score
        share = sum(e.score for e in self.edges) / max(whole, np.finfo(float).tiny)
        return f"the {len(self.edges):,} strongest of {len(every) + count:,} edges ({share:.1%} of the score)"

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of edges to be told apart: none where all are of one."""
        there = {edge.kind for edge in self.edges}
        return [kind for kind in LOOKS if kind in there] if len(there) > 1 else []


def plan(
    picture: Picture,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...] = (),
    *,
    scale: float = 1.0,
    varscale: float = 1.0,
    tick: bool = False,
    formulas: bool = False,
    within: tuple[float, float] | None = None,
) -> Sheet:
    """The sheet for `picture` and the names of its nodes: `scale` times its own size, or as it fits `within` inches.

    Of these (width, height) the names have their part: they become smaller where there is little room.
    Raises InputError for a scale that is not above 0.
    """
    if not (0 < scale < math.inf and 0 < varscale < math.inf):
        raise InputError("scale and varscale are sizes; pass numbers above 0, 1 for the usual size of names.")
    edges = strongest_edges(picture.edges)
    # with ticks, ranges are written below and to the left of every thumbnail, and functions above it
    layout = lay_out(picture, edges, fill=0.6 if tick else 0.68 if formulas else 0.8)
    unit = INCHES * scale
    if (tick or formulas) and within is None:
        smallest = min((band.side for band in layout.bands if band.edges), default=TICKED)
        unit *= float(np.clip(TICKED / (INCHES * smallest), 1.0, GROWTH))
    own = Sheet(picture, edges, layout, inputs, outputs or picture.out_names, unit, NAME * varscale)
    if within is None:
        return own
    sheet = replace(own, size=max(READABLE, own.size * math.sqrt(min(1.0, _share(within, own)))))
    # Names keep their size while the network gets smaller, so what fits is found step by step.
    for _ in range(8):
        sheet = replace(sheet, unit=sheet.unit * _share(within, sheet))
    return sheet


def _share(within: tuple[float, float], sheet: Sheet) -> float:
    return min(inches / needed for inches, needed in zip(within, sheet.inches, strict=True))


def strongest_edges(edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
    """All edges of a network of up to 1,000; of a larger one the strongest of their layers, at most 1,000."""
    scores, layers = np.array([edge.score for edge in edges]), np.array([edge.layer for edge in edges], dtype=np.intp)
    return tuple(edges[k] for k in strongest(scores, MOST, layers))


def letters_in(name: str) -> int:
    """Letters that `name` shows: the signs of mathematics are not drawn."""
    return len(name) if "$" not in name.replace(r"\$", "") else sum(c.isalnum() for c in name)
