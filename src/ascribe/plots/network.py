"""The picture of a KAN: every edge a small curve between the nodes it joins, as opaque as it is important."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ascribe.errors import InputError
from ascribe.kan.network import KAN
from ascribe.kan.picture import Edge, Picture, picture
from ascribe.plots.canvas import axes
from ascribe.plots.layout import Layout, lay_out
from ascribe.plots.pens import Pen

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

MOST = 400
"""Edges drawn at most: with more, thumbnails are too small to read on a page."""
INCHES = 1.44
"""Inches a unit of the layout at scale 1: at the default scale of 0.5 the widest picture fills a page."""
LETTER = 0.58
"""Mean width of a letter over its size, for the room that names need."""
NAME, SMALL = 10.0, 7.5
"""Points of the names and of the note."""


def network(
    kan: KAN | Picture,
    *,
    beta: float = 3,
    metric: Literal["backward", "forward_n", "forward_u"] = "backward",
    scale: float = 0.5,
    tick: bool = False,
    sample: bool = False,
    in_vars: Sequence[Any] | None = None,
    out_vars: Sequence[Any] | None = None,
    title: str | None = None,
    varscale: float = 1,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.figure.Figure:
    r"""The network from its inputs (below) to its outputs (above); an edge's opacity is $\tanh(\beta\cdot score)$.

    `metric` chooses the score of an edge, `tick` writes the range of every curve, `sample` marks where it was sampled.
    `in_vars` and `out_vars` are texts (mathematics between dollars) or sympy expressions. Of a network with more than
    400 edges the strongest are drawn, and the picture says so. One figure, a dozen artists whatever the size; it is
    returned, and is `ax`'s own where `ax` is given.

    Raises InputError when there are not as many variables as inputs or outputs.
    """
    drawn = kan if isinstance(kan, Picture) else picture(kan, metric=metric)
    inputs = _variables(in_vars, drawn.in_names, "in_vars")
    outputs = _variables(out_vars, drawn.out_names, "out_vars")
    edges = tuple(sorted(drawn.edges, key=lambda e: -e.score)[:MOST])
    # ranges are written below and to the left of every thumbnail
    layout = lay_out(drawn, edges, fill=0.6 if tick else 0.8)
    unit = INCHES * scale if ax is None else ax.bbox.width / ax.figure.dpi / layout.width
    size = NAME * varscale
    turned, below = _turned(inputs, layout, unit, size)
    above = 3 * size / 72 / unit
    ax = axes(ax, (layout.height + below + above + 0.3) * unit, (layout.width + 0.3) * unit)
    ax.set_xlim(-0.15, layout.width + 0.15)
    ax.set_ylim(-below - 0.15, layout.height + above + 0.15)
    ax.set_aspect("equal")
    ax.axis("off")
    pen = Pen(ax, beta, unit)
    pen.edges(drawn, layout)
    pen.nodes(drawn, layout)
    for band in layout.bands:
        pen.thumbnails(band, tick=tick, sample=sample)
    _names(pen, layout, inputs, outputs, size, turned)
    if len(edges) < len(drawn.edges):
        pen.text((0.0, layout.height + above), _note(edges, drawn.edges), SMALL, ha="left", va="top")
    if title is not None:
        ax.set_title(title, fontsize=1.3 * size)
    return ax.figure


def _variables(given: Sequence[Any] | None, own: tuple[str, ...], keyword: str) -> list[str]:
    if given is None:
        return list(own)
    if len(given) != len(own):
        raise InputError(f"{keyword} has {len(given)} names, but the network has {len(own)}; pass {len(own)} of them.")
    return [name if isinstance(name, str) else _formula(name) for name in given]


def _formula(expression: Any) -> str:
    import sympy

    return f"${sympy.latex(expression)}$"


def _length(name: str) -> int:
    """Letters that `name` shows: the signs of mathematics are not drawn."""
    return len(name) if "$" not in name.replace(r"\$", "") else len([c for c in name if c.isalnum()])


def _turned(names: list[str], layout: Layout, unit: float, size: float) -> tuple[bool, float]:
    """Whether the names of the inputs must stand upright, and the height they then need."""
    longest = max((_length(name) for name in names), default=1) * LETTER * size / 72 / unit
    turned = longest > 0.92 * layout.width / max(len(names), 1)
    return turned, 0.25 + (longest if turned else 1.6 * size / 72 / unit)


def _names(pen: Pen, layout: Layout, inputs: list[str], outputs: list[str], size: float, turned: bool) -> None:
    # names that stand upright side by side need a line each
    line = layout.width / max(len(inputs), 1) * pen.unit * 72
    for (x, y), name in zip(layout.nodes[0], inputs, strict=True):
        pen.text(
            (x, y - 0.25), name, min(size, 0.95 * line) if turned else size, va="top", rotation=90 if turned else 0
        )
    for (x, y), name in zip(layout.nodes[-1], outputs, strict=True):
        pen.text((x, y + 0.25), name, size, va="bottom")


def _note(drawn: tuple[Edge, ...], edges: tuple[Edge, ...]) -> str:
    share = sum(e.score for e in drawn) / max(sum(e.score for e in edges), np.finfo(float).tiny)
    return f"the {len(drawn):,} strongest of {len(edges):,} edges ({share:.0%} of the score)"
