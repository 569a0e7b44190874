"""Which words of a text push the output up, and which down."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ascribe.core.attribution import Attribution
from ascribe.core.drawing import draws
from ascribe.plots.canvas import WIDTH, axes, inches, ink, quiet
from ascribe.plots.labels import label, number
from ascribe.plots.palette import DOWN, UP
from ascribe.plots.strength import reach, relative
from ascribe.plots.words import token_texts, token_values

if TYPE_CHECKING:
    import matplotlib.axes

STRONGEST = 0.6
"""Opacity of the fullest box: the word on it still stands out."""
SIZE, SMALLEST = 11, 5
"""Points of the letters where there is room for them, and where there is none."""
LINE, PAD, GAP = 2.0, 0.3, 0.25
"""Height of a line, room in a box beside its word, and room between boxes: in letters' size."""


@draws(Attribution)
def tokens(
    attribution: Attribution,
    row: int = 0,
    *,
    tokens: Sequence[str] | None = None,
    outliers: float | int = 0.0,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """One row's text, every token on its colour: blue pushes the output down, red up.

    `tokens` are the row's texts; without them the features' names, or the ids. The colour is full at the size beyond
    which `outliers` percent of all attribution lies. Values of an embedding are added up over its dimensions.
    """
    values = token_values(attribution, row)
    texts = token_texts(attribution, row, tokens, len(values))
    full = reach(values, outliers)
    if ax is None:
        # a margin for the paper's edge on both sides
        width = 72 * WIDTH - 12
        places, lines = _flow(texts, SIZE, width)
        size, height = SIZE, lines * LINE * SIZE
        ax = axes(None, height / 72 + 0.35)
    else:
        box = ax.get_window_extent()
        width, height = 72 * float(box.width) / ax.figure.dpi, 72 * float(box.height) / ax.figure.dpi
        size = next((size for size in range(SIZE, SMALLEST, -1) if _fits(texts, size, width, height)), SMALLEST)
        places, lines = _flow(texts, size, width)
        height = max(height, lines * LINE * size)
    shares = relative(values, full).tolist()
    for text, share, (left, line, wide) in zip(texts, shares, places, strict=True):
        _box(ax, label(text, len(text)), share, left, line, wide, size)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_xticks([])
    ax.set_yticks([])
    scale = f"full colour at ±{number(full)}" if full else "nothing to see"
    output = f"output {number(float(attribution.output[row]))}"
    says = f"attribution, {label(attribution.method.name)}", scale, output
    ax.set_xlabel(("; " if inches(ax) > 5 else "\n").join(says))
    quiet(ax)
    return ax


def _box(ax: matplotlib.axes.Axes, text: str, share: float, left: float, line: int, wide: float, size: int) -> None:
    from matplotlib.patches import Rectangle

    top = (line + 0.15) * LINE * size
    colour = UP if share > 0 else DOWN
    ax.add_patch(
        Rectangle((left, top), wide, 0.7 * LINE * size, facecolor=colour, alpha=STRONGEST * abs(share), linewidth=0)
    )
    middle = top + 0.35 * LINE * size
    ax.text(left + wide / 2, middle, text, ha="center", va="center_baseline", fontsize=size, color=ink(ax))


def _fits(texts: Sequence[str], size: int, width: float, height: float) -> bool:
    return _flow(texts, size, width)[1] * LINE * size <= height


def _flow(texts: Sequence[str], size: int, width: float) -> tuple[list[tuple[float, int, float]], int]:
    """Left edge, line and width of every box, in points, broken into lines; and the number of lines."""
    places: list[tuple[float, int, float]] = []
    left, line = 0.0, 0
    for text in texts:
        wide = _width(text, size) + 2 * PAD * size
        if left > 0 and left + wide > width:
            left, line = 0.0, line + 1
        places.append((left, line, wide))
        left += wide + GAP * size
    return places, line + 1


def _width(text: str, size: int) -> float:
    """Points that a text is wide in the user's font."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    with warnings.catch_warnings():
        # a letter that the font lacks is a matter for whoever draws the picture
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        return float(text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0])
