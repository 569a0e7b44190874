"""The report: one self-contained HTML page that opens offline, in light and dark, on paper and on a phone."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ascribe.errors import need
from ascribe.plots.labels import alike, number, short
from ascribe.plots.ranking import strongest
from ascribe.plots.values import contributions
from ascribe.report import spelling, words
from ascribe.report.pictures import pictures, waterfalls
from ascribe.report.study import Study

SHOWN = 12
"""Columns in the table of methods; the rest is added up."""


def page(study: Study) -> str:
    """The report as HTML. It asks for nothing outside itself and runs no code; every name and value is escaped.

    Raises MissingExtra without jinja2 or matplotlib.
    """
    jinja2 = need("jinja2", extra="report")
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ascribe.report", "template"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number, percent=spelling.percent, short=short, figure=spelling.figure, duration=spelling.duration
    )
    drawn = {name: Markup(svg) for name, svg in pictures(study).items()}
    singles = [Markup(svg) for svg in waterfalls(study)]
    return environment.get_template("page.html.jinja").render(
        study=study, words=words, pictures=drawn, singles=_singles(study, singles), **_tables(study)
    )


def _singles(study: Study, drawn: list[Any]) -> list[dict[str, Any]]:
    """Each single row with its number in the table, what was predicted and what was true."""
    place = {int(row): k for k, row in enumerate(study.test_rows)}
    found = []
    for position, svg in zip(study.singles, drawn, strict=True):
        row = int(study.explained_rows[position])
        k = place[row]
        found.append(
            {
                "row": row,
                "picture": svg,
                "predicted": _said(study, float(study.predicted[k])),
                "true": _said(study, float(study.true[k])),
            }
        )
    return found


def _said(study: Study, value: float) -> str:
    return short(study.classes[int(value)], 40) if study.classes else number(value)


def _tables(study: Study) -> dict[str, Any]:
    """The tables of the page as plain lists."""
    attributions = study.comparison.attributions
    strengths = np.stack([np.abs(contributions(a)).mean(0) for a in attributions.values()])
    ranking = strongest(strengths[0], SHOWN)
    means = ranking.gather(strengths)
    columns = np.reshape(alike(means.ravel().tolist(), digits=4), means.shape)
    names = ranking.names(next(iter(attributions.values())).names)
    return {
        "strengths": list(zip(names, columns.T.tolist(), strict=True)),
        "trust": _trust(study),
        "figures": list(study.yardsticks[0].test),
        "recipe": json.dumps(study.recipe, indent=2, ensure_ascii=False, default=str),
    }


def _trust(study: Study) -> list[dict[str, Any]]:
    """A line a method: how far it adds up, how it does by the metrics, and what it cost."""
    gaps = words.largest_gap(study)
    lines = []
    for (name, a), figures in zip(study.comparison.attributions.items(), study.comparison.table, strict=True):
        metrics = [figures[metric] for metric in words.metrics(study)]
        costs = {"evaluations": a.evaluations, "seconds": a.seconds}
        lines.append({"method": name, "recipe": repr(a.method), "gap": gaps[name], "metrics": metrics, **costs})
    return lines
