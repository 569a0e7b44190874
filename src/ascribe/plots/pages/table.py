"""Rows with every attribution on its colour, as HTML."""

from __future__ import annotations

from html import escape

import numpy as np

from ascribe.core.attribution import Attribution
from ascribe.plots.labels import alike
from ascribe.plots.pages.colour import shade
from ascribe.plots.pages.page import Page
from ascribe.plots.ranking import strongest
from ascribe.plots.strength import reach, relative
from ascribe.plots.values import contributions

TOP = 12
"""Features that stand side by side; the others are added up in a last column."""
CELL = "text-align:right;padding:.1em .5em"


def table(attribution: Attribution, *, top: int = 20, outliers: float | int = 2.0) -> Page:
    """The first `top` rows, a line each: the strongest features' attributions on their colours, output and gap.

    The colour is full at the size beyond which `outliers` percent of all attribution lies.
    """
    values = contributions(attribution)
    ranking = strongest(np.abs(values).mean(0), TOP)
    rows = min(top, len(values))
    shown = ranking.gather(values)[:rows]
    shares = relative(shown, reach(shown, outliers))
    columns = np.array([alike(column.tolist(), sign=True) for column in shown.T]).T
    figures = [alike(part[:rows].double().tolist()) for part in (attribution.output, attribution.gap)]
    heads = ["row", *ranking.names(attribution.columns), "output", "gap"]
    lines = "".join(
        f"<tr><td>{row}</td>"
        + "".join(
            f"<td style='{CELL};background:{shade(share)}'>{text}</td>"
            for text, share in zip(columns[row].tolist(), shares[row].tolist(), strict=True)
        )
        + "".join(f"<td style='{CELL}'>{figure[row]}</td>" for figure in figures)
        + "</tr>"
        for row in range(rows)
    )
    head = "".join(f"<th style='{CELL}'>{escape(name)}</th>" for name in heads)
    more = f"<p>and {len(values) - rows:,} more</p>" if rows < len(values) else ""
    return Page(f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>{more}")
