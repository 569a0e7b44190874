"""A matplotlib figure as a piece of the page: inline SVG that takes the page's colours and fonts."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ascribe.errors import need
from ascribe.plots import palette

if TYPE_CHECKING:
    import matplotlib.figure

INK, PAPER = "#1d2126", "#fdfdfc"

VARIABLES = {
    INK: "var(--ink)",
    PAPER: "var(--paper)",
    palette.UP: "var(--warm)",
    palette.DOWN: "var(--cold)",
    palette.SECOND: "var(--amber)",
}
"""What the page calls a picture's colours; the others are mid tones that read on light and dark alike."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}
"""matplotlib's style while the page is drawn. Its own font ships with matplotlib and is wider than a page's, so texts
that fit when they are measured fit on the page."""


def embed(figure: matplotlib.figure.Figure, kind: str, alt: str) -> str:
    """The figure, drawn in the page's style, as `<svg>` of class `kind`, read out as `alt`; an inch is 100 pixels."""
    text = io.StringIO()
    figure.savefig(text, format="svg", facecolor="none", metadata={"Date": None}, dpi=200)
    svg = text.getvalue()
    width, height = figure.get_size_inches()
    body = svg[svg.index("</defs>") + len("</defs>") : svg.rindex("</svg>")]
    body = re.sub(r"<[^>]*>", lambda tag: _slim(tag.group()), re.sub(r">\s+<", "><", body))
    head = f'<svg class="{_attribute(kind)}" viewBox="0 0 {72 * width:g} {72 * height:g}" role="img"'
    return f'{head} aria-label="{_attribute(alt)}" style="--natural: {100 * width:.0f}px">{_hoist(body)}</svg>'


@contextmanager
def page_style(salt: str) -> Iterator[None]:
    """Borrows matplotlib's style; pictures of different `salt` share no ids.

    Texts that matplotlib's font cannot write are written by the browser, so it need not warn.
    """
    need("matplotlib", extra="report")
    import matplotlib

    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _attribute(text: str) -> str:
    from markupsafe import escape

    return str(escape(text))


def _slim(tag: str) -> str:
    """One tag without the ids that nothing refers to, in the page's colours and font, to a hundredth of a point."""
    if tag.startswith("<image "):
        # the lines of its data, which must stay as they are
        return tag.replace("\n", "")
    if tag.startswith("<g "):
        tag = re.sub(r' id="[^"]*"', "", tag)
    tag = re.sub(r' transform="rotate\(-?0 [^"]*"', "", re.sub(r"\s+", " ", tag))
    tag = tag.replace("'DejaVu Sans', sans-serif", "var(--sans)")
    tag = re.sub(r"#[0-9a-f]{6}\b", lambda colour: VARIABLES.get(colour.group(), colour.group()), tag)
    return re.sub(r"(\.\d\d)\d+", r"\1", tag)


def _hoist(svg: str) -> str:
    """Points of one look say so once, on their group: a cloud of points is then half as long."""

    def shorten(group: re.Match[str]) -> str:
        points = group.group(1)
        styles = set(re.findall(r'style="([^"]*)"', points))
        if len(styles) != 1:
            return group.group()
        points = re.sub(r' style="[^"]*"', "", points)
        return f'<g style="{styles.pop()}">{points}</g>'

    return re.sub(r'<g(?: clip-path="[^"]*")?>((?:<use [^>]*/>)+)</g>', shorten, svg.replace("<g/>", ""))
