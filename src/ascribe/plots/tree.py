"""The picture of a tree of variables: the variables below, what they come together in above them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ascribe.core.drawing import draws
from ascribe.errors import InputError
from ascribe.kan.hypotheses.tree import Kind, Tree
from ascribe.plots.canvas import WIDTH, axes, ink, paper, room, root
from ascribe.plots.network import variables
from ascribe.plots.sheet import LETTER, letters_in

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

_SIZE = 11  # points of a name
_SIGN: dict[Kind, str] = {"sum": "+", "product": "×", "of a sum": "F(+)", "function": "F", "variable": ""}
_WORD: dict[Kind, str] = {"sum": "Add", "product": "Mul", "of a sum": "GS", "function": "", "variable": ""}


@draws(Tree, default=True)
def tree(
    drawn: Tree,
    *,
    style: Literal["tree", "box"] | str = "tree",
    names: Sequence[Any] | None = None,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.figure.Figure:
    """Every node over its children: as a sign ("+", "×", "F(+)" a function of a sum, "F" any), or as a box over them.

    `names` of the variables, by number, are texts or sympy expressions.  The figure is returned.
    Raises InputError for another style, or a name too few or too many.
    """
    count = len(drawn.variables)
    if style not in ("tree", "box"):
        raise InputError(f"style={style!r} is not known; pass 'tree' or 'box'.")
    own = drawn.names or tuple(f"$x_{{{i}}}$" for i in range(count))
    labels = variables(names, own, "names")
    longest = max(map(letters_in, labels)) * LETTER * _SIZE / 72
    width = max(3.0, 0.7 * count, min(WIDTH, 1.2 * longest * count))
    # Names that have no room side by side stand upright, below the tree.
    upright = 1.1 * longest > (width if ax is None else room(ax)[0]) / count
    ax = axes(ax, height=1.0 + 0.8 * drawn.height + longest * upright, width=width)
    below, tall = 0.7, room(ax)[1]
    if upright:
        below = 0.2 + longest * (drawn.height + 0.7) / max(tall - longest, 0.3 * tall)
    ax.set_xlim(-0.6, count - 0.4)
    ax.set_ylim(-below, drawn.height + 0.5)
    ax.axis("off")
    place = {variable: x for x, variable in enumerate(drawn.variables)}

    def middle(node: Tree) -> float:
        return sum(place[i] for i in (node.variables[0], node.variables[-1])) / 2

    draw: Callable[[matplotlib.axes.Axes, Tree, Callable[[Tree], float]], None] = _sign if style == "tree" else _box
    todo = [drawn]
    while todo:
        node = todo.pop()
        todo += node.children
        if node.children:
            draw(ax, node, middle)
        else:
            ax.text(
                middle(node), -0.2, labels[node.variables[0]], ha="center", va="top", color=ink(ax), fontsize=_SIZE,
                rotation=90 if upright else 0,
            )  # fmt: skip
    return root(ax)


def _sign(ax: matplotlib.axes.Axes, node: Tree, middle: Callable[[Tree], float]) -> None:
    for child in node.children:
        ax.plot([middle(child), middle(node)], [child.height, node.height], color=ink(ax), linewidth=1, zorder=1)
    ax.text(
        middle(node), node.height, _SIGN[node.kind], ha="center", va="center", color=ink(ax), fontsize=11, zorder=2,
        bbox={"boxstyle": "round,pad=0.3", "facecolor": paper(ax), "edgecolor": ink(ax), "linewidth": 0.8},
    )  # fmt: skip


def _box(ax: matplotlib.axes.Axes, node: Tree, middle: Callable[[Tree], float]) -> None:
    left, right = middle(node) - len(node.variables) / 2 + 0.15, middle(node) + len(node.variables) / 2 - 0.15
    low, high = node.height - 0.25, node.height + 0.15
    ax.plot([left, right, right, left, left], [low, low, high, high, low], color=ink(ax), linewidth=1)
    ax.text(middle(node), (low + high) / 2, _WORD[node.kind], ha="center", va="center", color=ink(ax), fontsize=10)
    for child in node.children:
        top = child.height + 0.15 if child.children else 0.0
        ax.plot([middle(child)] * 2, [top, low], color=ink(ax), linewidth=1)
