"""Attributions of words, as the HTML that Captum's users know."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from ascribe.errors import InputError
from ascribe.plots.pages.page import Page


@dataclass(slots=True)
class VisualizationDataRecord:
    """One text with its attributions and the figures that stand beside it."""

    word_attributions: Any
    pred_prob: Any
    pred_class: Any
    true_class: Any
    attr_class: Any
    attr_score: Any
    raw_input_ids: Sequence[str]
    convergence_score: Any


def visualize_text(datarecords: Iterable[VisualizationDataRecord], legend: bool = True) -> Any:
    """A table with a line a record and its words in colour; shown in a notebook, and returned as HTML (`.data`)."""
    heads = ("True Label", "Predicted Label", "Attribution Label", "Attribution Score", "Word Importance")
    lines = "".join(f"<tr>{_line(record)}</tr>" for record in datarecords)
    page = Page(
        f"{_legend() if legend else ''}<table style='width: 100%'><tr>"
        + "".join(f"<th>{head}</th>" for head in heads)
        + f"</tr>{lines}</table>"
    )
    notebook: Any = sys.modules.get("IPython.display")
    if notebook is None:
        return page
    shown = notebook.HTML(page.data)
    notebook.display(shown)
    return shown


def _line(record: VisualizationDataRecord) -> str:
    return (
        format_classname(record.true_class)
        + format_classname(f"{record.pred_class} ({float(record.pred_prob):.2f})")
        + format_classname(record.attr_class)
        + format_classname(f"{float(record.attr_score):.2f}")
        + format_word_importances(record.raw_input_ids, record.word_attributions)
    )


def _legend() -> str:
    box = "display: inline-block; width: 10px; height: 10px; border: 1px solid"
    entries = "".join(
        f"<span style='{box}; background-color: {_colour(value)}'></span> {name} "
        for value, name in ((-1.0, "Negative"), (0.0, "Neutral"), (1.0, "Positive"))
    )
    return f"<div style='border-top: 1px solid; margin-top: 5px; padding-top: 5px'><b>Legend: </b>{entries}</div>"


def format_classname(classname: Any) -> str:
    """A cell with a class in bold."""
    return f"<td><text style='padding-right:2em'><b>{escape(str(classname))}</b></text></td>"


def format_special_tokens(token: str) -> str:
    """`<pad>` as `#pad`, everything else as it is."""
    return f"#{token.strip('<>')}" if token.startswith("<") and token.endswith(">") else token


def format_tooltip(item: str, text: str) -> str:
    """An item with a text that shows when it is pointed at."""
    return f"<div class='tooltip' title='{escape(text)}'>{escape(item)}</div>"


def format_word_importances(words: Sequence[str], importances: Any) -> str:
    """A cell with every word on the colour of its importance from -1 to 1: red pushes down, green up.

    Raises InputError for fewer importances than words.
    """
    if importances is None or len(importances) == 0:
        return "<td></td>"
    if np.ndim(importances) != 1 or len(importances) < len(words):
        raise InputError(f"{len(words)} words came with importances of shape {np.shape(importances)}; pass one a word.")
    marks = [
        f"<mark style='background-color: {_colour(float(value))}; color: black; line-height: 1.75'>"
        f" {escape(format_special_tokens(word))} </mark>"
        for word, value in zip(words, importances[: len(words)], strict=True)
    ]
    return f"<td>{''.join(marks)}</td>"


def _colour(value: float) -> str:
    size = min(abs(value), 1.0) if value == value else 0.0
    return f"hsl(120, 75%, {100 - int(50 * size)}%)" if value > 0 else f"hsl(0, 75%, {100 - int(40 * size)}%)"
