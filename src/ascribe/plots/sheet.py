"""The sheet that a network is drawn on: its layout, the size of a unit, and the room that names need around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ascribe.kan.picture import Edge, Picture
from ascribe.plots.layout import Layout, lay_out

MOST = 400
"""Edges drawn at most: with more, thumbnails are too small to read on a page."""
ENOUGH = 0.99
"""Share of the score at which drawing stops in a network with more edges than that: the rest would only be haze."""
INCHES = 0.72
"""Inches a unit of the layout has where nothing else is asked: the widest network then fills a page."""
LETTER = 0.55
"""Mean width of a letter over its size."""
NAME = 10.0
"""Points of a name."""
BORDER = 0.15


@dataclass(frozen=True)
class Sheet:
    """Heights are in the layout's units, of which one is `unit` inches; `size` is that of names, in points."""

    picture: Picture
    edges: tuple[Edge, ...]
    layout: Layout
    inputs: tuple[str, ...]
    unit: float
    size: float

    @property
    def line(self) -> float:
        """Height of a line of names."""
        return self.size / 72 / self.unit

    @property
    def longest(self) -> float:
        return max(_letters(name) for name in self.inputs) * LETTER * self.line

    @property
    def turned(self) -> bool:
        """Whether the names of the inputs stand upright, having no room side by side."""
        return bool(self.longest > 0.92 * self.layout.width / len(self.inputs))

    @property
    def below(self) -> float:
        return 0.25 + (self.longest if self.turned else 1.6 * self.line)

    @property
    def above(self) -> float:
        return 0.25 + (3 if self.note else 1.6) * self.line

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height of a figure that this sheet fills."""
        layout, border = self.layout, 2 * BORDER
        return (layout.width + border) * self.unit, (layout.height + self.below + self.above + border) * self.unit

    @property
    def note(self) -> str:
        """What is not drawn, if anything."""
        every = self.picture.edges
        if len(self.edges) == len(every):
            return ""
        share = sum(e.score for e in self.edges) / max(sum(e.score for e in every), np.finfo(float).tiny)
        return f"the {len(self.edges):,} strongest of {len(every):,} edges ({share:.1%} of the score)"


def plan(
    picture: Picture,
    inputs: tuple[str, ...],
    *,
    scale: float = 1.0,
    varscale: float = 1.0,
    tick: bool = False,
    width: float | None = None,
) -> Sheet:
    """The sheet for `picture`: `scale` times its own size, or `width` inches wide."""
    edges = strongest_edges(picture.edges)
    # with ticks, ranges are written below and to the left of every thumbnail
    layout = lay_out(picture, edges, fill=0.6 if tick else 0.8)
    unit = INCHES * scale if width is None else width / (layout.width + 2 * BORDER)
    return Sheet(picture, edges, layout, inputs, unit, NAME * varscale)


def strongest_edges(edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
    """All edges of a network of up to 400; of a larger one as few as hold 99% of the score, at most 400."""
    ordered = tuple(sorted(edges, key=lambda edge: -edge.score))
    if len(edges) <= MOST:
        return ordered
    reach = np.cumsum([edge.score for edge in ordered])
    return ordered[: min(MOST, int(np.searchsorted(reach, ENOUGH * reach[-1])) + 1)]


def _letters(name: str) -> int:
    """Letters that `name` shows: the signs of mathematics are not drawn."""
    return len(name) if "$" not in name.replace(r"\$", "") else sum(c.isalnum() for c in name)
