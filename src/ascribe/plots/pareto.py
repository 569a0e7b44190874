"""Formulas from the simplest to the most accurate: what every step of complexity buys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from ascribe.core.drawing import draws
from ascribe.errors import InputError, need
from ascribe.plots.canvas import axes, ink, letters, quiet, rows_height
from ascribe.plots.labels import label
from ascribe.plots.palette import FIRST, UP

if TYPE_CHECKING:
    import matplotlib.axes


@runtime_checkable
class Front(Protocol):
    """A table of formulas, one entry a formula: texts, or expressions of sympy."""

    @property
    def complexity(self) -> Sequence[float | int]: ...

    @property
    def error(self) -> Sequence[float]: ...

    @property
    def formula(self) -> Sequence[Any]: ...


@draws("ascribe.kan.symbolic.pareto.Pareto", default=True)
def pareto(table: Front, *, top: int = 20, ax: matplotlib.axes.Axes | None = None) -> matplotlib.axes.Axes:
    """A line a formula, the simplest first: its error as a point, its complexity on the right.

    The front runs through those that no simpler formula beats; the others are hollow. Where the table says which one
    was `chosen`, it is red. Of more than `top` formulas the first of the front are drawn.  Raises InputError for a
    table without formulas.
    """
    if not len(table.formula):
        raise InputError("the table has no formulas to draw; read some from a network first.")
    order = sorted(range(len(table.formula)), key=lambda n: (table.complexity[n], table.error[n]))
    errors = np.array([float(table.error[n]) for n in order])
    best = np.minimum.accumulate(np.concatenate([[np.inf], errors[:-1]]))
    front = errors < best
    if len(order) > top:
        kept = np.sort(np.argsort(~front, kind="stable")[:top])
        order, errors, front = [order[n] for n in kept], errors[kept], front[kept]
    chosen = getattr(table, "chosen", None)
    ax = axes(ax, rows_height(len(order)))
    place = np.arange(len(order))
    # an exact formula has no error, and a place on the axis all the same
    seen = np.maximum(errors, 0.1 * min(errors[errors > 0], default=1.0))
    ax.plot(seen[front], place[front], "-", color=FIRST, linewidth=1.2, alpha=0.6, zorder=1)
    for n, (entry, at) in enumerate(zip(order, place, strict=True)):
        colour = UP if entry == chosen else FIRST
        style = "full" if front[n] else "none"
        ax.plot(seen[n], at, "o", color=colour, markersize=8 if entry == chosen else 6, fillstyle=style, zorder=2)
    ax.set_xscale("log")
    # the better, the further to the right
    ax.invert_xaxis()
    ax.set_yticks(place, [_formula(table.formula[n], letters(ax) + 14) for n in order])
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlabel("error" if errors.all() else "error; without any at the right end")
    quiet(ax, grid="x")
    ax.tick_params(which="minor", length=0)
    side = ax.secondary_yaxis("right")
    side.set_yticks(place, [f"{float(table.complexity[n]):.3g}" for n in order])
    side.set_ylabel("complexity", fontsize=9, color=ink(ax))
    side.tick_params(length=0, labelsize=9, colors=ink(ax))
    side.spines["right"].set_visible(False)
    for n, entry in enumerate(order):
        if entry == chosen:
            ax.get_yticklabels()[n].set_fontweight("bold")
    return ax


def _formula(formula: Any, longest: int) -> str:
    """A formula on one line with numbers to three digits, cut in the middle when it is long."""
    if isinstance(formula, str):
        return label(formula, longest)
    sympy = need("sympy", extra="pykan")
    if not isinstance(formula, sympy.Basic):
        return label(str(formula), longest)
    rounded = formula.xreplace({number: sympy.Float(number, 3) for number in formula.atoms(sympy.Float)})
    return label(str(rounded).replace("**", "^").replace("*", "·"), longest)
