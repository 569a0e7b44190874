"""The picture of a KAN: every edge a small curve between the nodes it joins, as opaque as it is important."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from ascribe.core.drawing import draws
from ascribe.errors import InputError
from ascribe.kan.network import KAN
from ascribe.kan.picture import Picture, picture
from ascribe.plots.canvas import figure, root
from ascribe.plots.pens import Pen
from ascribe.plots.sheet import BORDER, Sheet, plan

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure


@draws(KAN, default=True)
def network(
    kan: KAN | Picture,
    *,
    beta: float | int = 3,
    metric: Literal["backward", "forward_n", "forward_u"] = "backward",
    scale: float | int = 0.5,
    tick: bool = False,
    sample: bool = False,
    in_vars: Sequence[Any] | None = None,
    out_vars: Sequence[Any] | None = None,
    title: str | None = None,
    varscale: float | int = 1,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.figure.Figure:
    r"""The network from its inputs (below) to its outputs (above); an edge's opacity is $\tanh(\beta\cdot score)$.

    `metric` chooses the score of an edge, `tick` writes the range of every curve, `sample` marks some of the data.
    `in_vars` and `out_vars` are texts (mathematics between dollars) or sympy expressions; `in_vars` may name all
    columns of the data where a network takes some of them. Of a network with more than 400 edges the strongest are
    drawn, and the picture says so. One figure, a dozen artists whatever the size; it is returned, and is `ax`'s own
    where `ax` is given.

    Raises InputError when there are not as many variables as inputs or outputs.
    """
    drawn = kan if isinstance(kan, Picture) else picture(kan, metric=metric)
    inputs = _variables(_taken(in_vars, drawn), drawn.in_names, "in_vars")
    outputs = _variables(out_vars, drawn.out_names, "out_vars")
    width = None if ax is None else float(ax.bbox.width / ax.figure.dpi)
    sheet = plan(drawn, inputs, scale=2.0 * scale, varscale=float(varscale), tick=tick, width=width)
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
        pen.thumbnails(band, tick=tick, samples=drawn.samples[layer] if sample else None)
    _write(pen, sheet, outputs)
    if title is not None:
        ax.set_title(title, fontsize=1.3 * sheet.size)
    return root(ax)


def _taken(in_vars: Sequence[Any] | None, drawn: Picture) -> Sequence[Any] | None:
    """Of names for all columns those of the columns that the network takes."""
    if in_vars is None or not drawn.input_id or len(in_vars) <= max(drawn.input_id):
        return in_vars
    return [in_vars[column] for column in drawn.input_id]


def _variables(given: Sequence[Any] | None, own: tuple[str, ...], keyword: str) -> tuple[str, ...]:
    if given is None:
        return own
    if len(given) != len(own):
        raise InputError(f"{keyword} has {len(given)} names, but the network has {len(own)}; pass {len(own)} of them.")
    return tuple(name if isinstance(name, str) else _formula(name) for name in given)


def _formula(expression: Any) -> str:
    import sympy

    return f"${sympy.latex(expression)}$"


def _write(pen: Pen, sheet: Sheet, outputs: tuple[str, ...]) -> None:
    """The names, and what is left out."""
    layout, size = sheet.layout, sheet.size
    # names that stand upright side by side need a line each
    narrow = min(size, 0.95 * layout.width / len(sheet.inputs) * sheet.unit * 72) if sheet.turned else size
    for (x, y), name in zip(layout.nodes[0], sheet.inputs, strict=True):
        pen.text((x, y - 0.25), name, narrow, va="top", rotation=90 if sheet.turned else 0)
    for (x, y), name in zip(layout.nodes[-1], outputs, strict=True):
        pen.text((x, y + 0.25), name, size, va="bottom")
    if sheet.note:
        pen.text((0.0, layout.height + sheet.above), sheet.note, 0.75 * size, ha="left", va="top")
