"""Texts with every token on its colour, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from ascribe.core.attribution import Attribution
from ascribe.core.drawing import shows
from ascribe.core.nest import leaves
from ascribe.plots.labels import number
from ascribe.plots.pages.colour import shade
from ascribe.plots.pages.page import Page
from ascribe.plots.strength import reach, relative
from ascribe.plots.values import one_output
from ascribe.plots.words import token_texts, token_values


def _are_tokens(attribution: Attribution) -> bool:
    inputs, values = leaves(attribution.inputs), leaves(attribution.values)
    whole = len(inputs) == 1 and not inputs[0].is_floating_point() and inputs[0].ndim == 2
    return whole and attribution.output.ndim == 1 and values[0].shape[:2] == inputs[0].shape


@shows(Attribution, _are_tokens)
def tokens(
    attribution: Attribution,
    tokens: Sequence[Sequence[str]] | None = None,
    *,
    top: int = 10,
    outliers: float | int = 0.0,
) -> Page:
    """The first `top` rows, a text a line: blue pushes its output down, red up; a token's number shows on pointing.

    `tokens` are the texts of every row. All rows have one scale: the colour is full at the size beyond which `outliers`
    percent of all attribution lies.
    """
    one_output(attribution)
    rows = range(min(top, len(attribution.output)))
    values = [token_values(attribution, row) for row in rows]
    full = reach(np.concatenate(values), outliers)
    lines = "".join(
        f"<p style='line-height:2;margin:.2em 0'><span style='opacity:.7;margin-right:.8em'>"
        f"{number(float(attribution.output[row]))}</span>{_text(texts, own, full)}</p>"
        for row, own in zip(rows, values, strict=True)
        for texts in [token_texts(attribution, row, None if tokens is None else tokens[row], len(own))]
    )
    more = len(attribution.output) - len(rows)
    says = f"output, then its text; {escape(attribution.method.name)}, full colour at ±{number(full)}"
    return Page(f"<div>{lines}<p style='opacity:.7'>{says}{f'; and {more:,} more' if more else ''}</p></div>")


def _text(texts: Sequence[str], values: np.ndarray, full: float) -> str:
    shares = relative(values, full).tolist()
    return " ".join(
        f"<span title='{number(value, sign=True)}' style='background:{shade(share)};padding:.15em .25em;"
        f"border-radius:.2em'>{escape(text)}</span>"
        for text, value, share in zip(texts, values.tolist(), shares, strict=True)
    )
