"""The network as a page that answers: point at an edge, and its curve is large, with its scores and its formula."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from torch import Tensor

from ascribe.core.drawing import draws
from ascribe.kan.network import KAN
from ascribe.kan.picture import Edge, Metric, Picture, picture
from ascribe.plots.labels import LONGEST, short
from ascribe.plots.network import named, taken
from ascribe.plots.pages.document import Document
from ascribe.plots.pages.drawing import Drawing
from ascribe.plots.pages.formulas import Formulas
from ascribe.plots.pages.mathematics import runs
from ascribe.plots.scale import FAINTEST, ends, opacity
from ascribe.plots.sheet import MOST, Sheet, plan

_RULES = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What the browser is told to refuse: everything from elsewhere."""
_POINTS = 40
"""Rows of the data that are marked on a curve."""


@draws(KAN)
def html(
    kan: KAN | Picture,
    path: str | os.PathLike[str] | None = None,
    *,
    beta: float | int = 3,
    metric: Metric | str = "backward",
    x: Tensor | None = None,
    in_vars: Sequence[Any] | None = None,
    out_vars: Sequence[Any] | None = None,
    title: str | None = None,
) -> Document:
    r"""The network as one HTML file, written to `path` where one is given; a notebook shows it as it is.

    Pointing at an edge, or reaching it by the keyboard, shows its curve over its range with some of the data, its
    formula, and its score and rank by every metric; a node shows what it computes. The opacity of edges is
    $\tanh(\beta\cdot score)$ by a metric that the page can change. The file needs no network and loads nothing; names
    are escaped. Of a network with more than 1,000 edges it has the strongest, and says so; with 1,000 edges it is some
    .7 MB.

    `x`, `in_vars` and `out_vars` are those of `kan.plot`, whose errors it raises.
    """
    drawn = kan if isinstance(kan, Picture) else picture(kan, x, metric, most=MOST)
    inputs = named(taken(in_vars, drawn), drawn.in_names, "in_vars")
    outputs = named(out_vars, drawn.out_names, "out_vars")
    sheet = plan(drawn, _brief(inputs), _brief(outputs))
    formulas = Formulas(drawn, sheet.edges, inputs, outputs)
    edges = tuple(edge for band in sheet.layout.bands for edge in band.edges)
    data = _data(drawn, edges, formulas, metric, float(beta))
    document = Document(_text(sheet, formulas, data, title), _height(sheet))
    if path is not None:
        document.save(path)
    return document


def _brief(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name if len(runs(name)) > 1 else short(name, LONGEST) for name in names)


def _data(drawn: Picture, edges: tuple[Edge, ...], formulas: Formulas, metric: str, beta: float) -> dict[str, Any]:
    """What the script shows: every text in it is shown as text."""
    starts = np.concatenate([[0], np.cumsum([sum(width) for width in drawn.width])]).astype(int).tolist()
    metrics = [metric, *(name for name in drawn.measures if name != metric)]
    nodes = [(layer, node) for layer, width in enumerate(drawn.width) for node in range(sum(width))]
    ranges = {(edge.layer, edge.source): ends(edge.x) for edge in edges}
    return {
        "beta": beta,
        "faintest": FAINTEST,
        "metrics": metrics,
        "edges": [
            {
                "at": [edge.layer, edge.source, edge.subnode],
                "from": starts[edge.layer] + edge.source,
                "to": starts[edge.layer + 1] + _owner(drawn, edge),
                "look": edge.kind,
                "range": [_number(end) for end in (*ends(edge.x), *ends(edge.y))],
                "scores": [_number(edge.score), *(_number(_score(drawn, name, edge)) for name in metrics[1:])],
                "formula": formulas.edge(edge),
            }
            for edge in edges
        ],
        "nodes": [
            {
                "name": formulas.name(layer, node),
                "layer": layer,
                "says": _says(drawn, layer, node),
                "formula": formulas.node(layer, node),
                "whole": formulas.whole(layer, node),
                "range": [_number(end) for end in ranges[layer, node]] if (layer, node) in ranges else None,
                "score": _number(float(drawn.node_scores[layer][node])),
            }
            for layer, node in nodes
        ],
        "samples": {
            starts[layer] + node: [_number(value) for value in drawn.samples[layer][:_POINTS, node].tolist()]
            for layer, node in sorted(ranges)
            if drawn.samples
        },
    }


def _owner(drawn: Picture, edge: Edge) -> int:
    sums, _ = drawn.width[edge.layer + 1]
    bounds = sums + np.cumsum(drawn.arity[edge.layer + 1])
    return edge.subnode if edge.subnode < sums else sums + int(np.searchsorted(bounds, edge.subnode, side="right"))


def _score(drawn: Picture, metric: str, edge: Edge) -> float:
    return float(drawn.measures[metric][edge.layer][edge.source, edge.subnode])


def _says(drawn: Picture, layer: int, node: int) -> str:
    if layer == 0:
        return f"Input {node + 1} of {sum(drawn.width[0]):,}"
    sums, _ = drawn.width[layer]
    what = "sum" if node < sums else f"product of {drawn.arity[layer][node - sums]}"
    last = layer == len(drawn.width) - 1
    return f"Output {node + 1}, a {what}" if last else f"Node {node + 1} of layer {layer}, a {what}"


def _number(value: float) -> float | None:
    """To five digits, which is more than a reader is shown."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _text(sheet: Sheet, formulas: Formulas, data: dict[str, Any], title: str | None) -> str:
    template = files("ascribe.plots.pages") / "template"
    drawing = Drawing(sheet, formulas, opacity([edge["scores"][0] or 0.0 for edge in data["edges"]], data["beta"]))
    count = len(sheet.picture.edges) + sheet.picture.left_out[0]
    says = escape(title if title is not None else f"A network of {count:,} edge{'' if count == 1 else 's'}")
    options = "".join(f'<option value="{m}">{escape(name)}</option>' for m, name in enumerate(data["metrics"]))
    # a text may hold what would end the script's element
    held = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", r"\u003c")
    note = f"<p>{escape(sheet.note)}</p>" if sheet.note else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_RULES}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{says}</title><style>{(template / 'network.css').read_text('utf-8')}</style></head><body>"
        f'<header><h1>{says}</h1>{note}<label>opacity by <select id="metric">{options}</select></label>'
        f'<label>β <input id="beta" type="number" min="0" step="any" value="{data["beta"]:g}"></label>'
        f"{drawing.legend()}</header>"
        f'<main><div class="scroll">{drawing.svg(says)}</div><aside id="panel" aria-live="polite">'
        "<h2>Point at an edge</h2><p>Its curve, scores and formula appear here; a node shows what it computes. Click to"
        " hold on to it, Escape lets go.</p><p>By keyboard: Tab into the network, then ← → along a layer, ↑ ↓ along the"
        " strongest edge.</p></aside></main>"
        f'<script type="application/json" id="data">{held}</script>'
        f"<script>{(template / 'network.js').read_text('utf-8')}</script></body></html>"
    )


def _height(sheet: Sheet) -> int:
    """Pixels of a frame that shows the network in a column of a notebook, some 900 wide."""
    width, height = sheet.inches
    return round(min(1200, max(420, 100 * height * min(1.0, 560 / (100 * width)) + 140)))
