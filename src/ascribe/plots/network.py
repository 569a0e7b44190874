"""The picture of a KAN: every edge a small curve between the nodes it joins, as opaque as it is important."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ascribe.core.drawing import draws
from ascribe.errors import InputError, need
from ascribe.kan.network import KAN
from ascribe.kan.picture import Metric, Picture, picture
from ascribe.plots.canvas import figure, room, root
from ascribe.plots.labels import label
from ascribe.plots.pens import Pen
from ascribe.plots.sheet import BORDER, MOST, Sheet, plan

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure


TITLE = 0.35
"""Inches above the network for a title."""


@draws(KAN, default=True)
def network(
    kan: KAN | Picture,
    *,
    beta: float | int = 3,
    metric: Metric | str = "backward",
    scale: float | int = 0.5,
    tick: bool = False,
    sample: bool = False,
    formulas: bool = False,
    x: Tensor | None = None,
    in_vars: Sequence[Any] | None = None,
    out_vars: Sequence[Any] | None = None,
    title: str | None = None,
    varscale: float | int = 1,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.figure.Figure:
    r"""The network from its inputs (below) to its outputs (above); an edge's opacity is $\tanh(\beta\cdot score)$.

    Splines are black, symbolic edges red and dashed, those that are both purple and dash-dotted. `metric` chooses the
    score of an edge, `tick` writes the range of every curve (and makes room for it), `sample` marks some of the data,
    `formulas` writes the function of every symbolic edge above it. `in_vars` and `out_vars` are texts (mathematics
    between dollars) or sympy expressions; `in_vars` may name all columns of the data where a network takes some of
    them; by themselves they are the network's own names. Curves run over the range of the data `x`, or of the data that
    the network remembers; where a function has a pole in it they break off. Of a network with more than 1,000 edges the
    strongest of every layer are drawn, and the picture says so. One figure, a dozen artists whatever the size; it is
    returned, and is `ax`'s own where `ax` is given.

    Raises InputError when there are not as many variables as inputs or outputs, or one is no mathematics, and for data
    on which the network gives no numbers.
    """
    drawn = kan if isinstance(kan, Picture) else picture(kan, x, metric, most=MOST)
    inputs = variables(taken(in_vars, drawn), drawn.in_names, "in_vars")
    outputs = variables(out_vars, drawn.out_names, "out_vars")
    within = None
    if ax is not None:
        width, height = room(ax)
        within = width, height if title is None else max(height - TITLE, height / 2)
    sheet = plan(
        drawn, inputs, outputs, scale=2.0 * scale, varscale=float(varscale), tick=tick, formulas=formulas, within=within
    )
    if ax is None:
        ax = figure(*sheet.inches).add_subplot()
    layout = sheet.layout
    ax.set_xlim(-BORDER, layout.width + BORDER)
    ax.set_ylim(-sheet.below - BORDER, layout.height + sheet.above + BORDER)
    ax.set_aspect("equal")
    ax.axis("off")
    pen = Pen(ax, float(beta), sheet.unit)
    pen.edges(drawn, layout)
    pen.nodes(drawn, layout)
    for layer, band in enumerate(layout.bands):
        pen.thumbnails(band, tick=tick, formulas=formulas, samples=drawn.samples[layer] if sample else None)
    _write(pen, sheet)
    if title is not None:
        ax.set_title(title, fontsize=1.3 * sheet.size)
    return root(ax)


def taken(in_vars: Sequence[Any] | None, drawn: Picture) -> Sequence[Any] | None:
    """Of names for all columns those of the columns that the network takes."""
    if in_vars is None or not drawn.input_id or len(in_vars) <= max(drawn.input_id):
        return in_vars
    return [in_vars[column] for column in drawn.input_id]


def variables(given: Sequence[Any] | None, own: tuple[str, ...], keyword: str) -> tuple[str, ...]:
    """The names as matplotlib is to write them: the given ones, or the network's own."""
    names = named(given, own, keyword)
    if given is None:
        return tuple(name if _is_mathematics(name) else label(name) for name in names)
    for name in names:
        _require_mathematics(name, keyword)
    return names


def named(given: Sequence[Any] | None, own: tuple[str, ...], keyword: str) -> tuple[str, ...]:
    """The given names, sympy's expressions as mathematics between dollars, or the network's own.

    Raises InputError when there are not as many as the network has.
    """
    if given is None:
        return own
    if len(given) != len(own):
        raise InputError(f"{keyword} has {len(given)} names, but the network has {len(own)}; pass {len(own)} of them.")
    return tuple(name if isinstance(name, str) else _formula(name) for name in given)


def _is_mathematics(name: str) -> bool:
    return len(name) > 2 and name[0] == name[-1] == "$"


def _require_mathematics(name: str, keyword: str) -> None:
    if name.replace(r"\$", "").count("$") < 2:
        return
    mathtext = need("matplotlib.mathtext", extra="plot")
    try:
        mathtext.MathTextParser("path").parse(name)
    except ValueError as error:
        raise InputError(
            f"{keyword} has {name!r}, whose mathematics matplotlib cannot write;"
            r" write it otherwise, or a plain dollar as \$."
        ) from error


def _formula(expression: Any) -> str:
    return f"${need('sympy', extra='pykan').latex(expression)}$"


def _write(pen: Pen, sheet: Sheet) -> None:
    """The names, what is left out, and what the colours mean."""
    layout = sheet.layout
    _names(pen, sheet, layout.nodes[0], sheet.inputs, -0.25, "top")
    _names(pen, sheet, layout.nodes[-1], sheet.outputs, 0.25, "bottom")
    if sheet.note:
        pen.text((0.0, layout.height + sheet.above), sheet.note, 0.75 * sheet.size, ha="left", va="top")
    if sheet.kinds:
        pen.legend(sheet.kinds, (layout.width, layout.height + sheet.above), 0.8 * sheet.size)


def _names(pen: Pen, sheet: Sheet, nodes: np.ndarray, names: tuple[str, ...], off: float, at: str) -> None:
    """The names beside their nodes; of those that would be too small to read every second, third, ... only."""
    every, size = sheet.fitted(names)
    for (x, y), name in list(zip(nodes, names, strict=True))[::every]:
        pen.text((x, y + off), name, size, va=at, rotation=90 if sheet.turned(names) else 0)
