"""The pictures of the report, each drawn for a page and, where that is too wide for one, again for a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ascribe.core.attribution import Attribution
from ascribe.kan.network import KAN
from ascribe.kan.picture import picture
from ascribe.plots.agreement import agreement
from ascribe.plots.beeswarm import beeswarm
from ascribe.plots.canvas import WIDTH, rows_height
from ascribe.plots.fit import fit
from ascribe.plots.labels import label, number, short
from ascribe.plots.methods import height as methods_height
from ascribe.plots.methods import methods
from ascribe.plots.network import network
from ascribe.plots.ranking import strongest
from ascribe.plots.rounds import crowded, rounds
from ascribe.plots.scores import scores
from ascribe.plots.sheet import plan
from ascribe.plots.values import contributions
from ascribe.plots.waterfall import waterfall
from ascribe.report.study import Study
from ascribe.report.svg import embed, page_style
from ascribe.report.words import error_name

if TYPE_CHECKING:
    import matplotlib.axes

PHONE = 3.9
"""Inches: at this width 9-point text is still 11 pixels high on a small phone."""

On = Callable[["matplotlib.axes.Axes"], object]


def pictures(study: Study) -> dict[str, str]:
    """Every picture of the page by name, as SVG; those that a study has nothing for are absent."""
    found = {"fit": _fit(study), "methods": _methods(study), "beeswarm": _beeswarm(study)}
    if study.scores:
        found["scores"] = _scores(study)
    if study.rounds:
        found["rounds"] = _rounds(study)
    if study.kan is not None:
        found["network"] = _network(study, study.kan)
    if len(study.comparison.attributions) > 1:
        found["agreement"] = _agreement(study)
    return found


def waterfalls(study: Study) -> list[str]:
    """One picture a single row, by the first method."""
    first = next(iter(study.comparison.attributions.values()))
    return [
        _once(
            lambda ax, row=row: waterfall(first, row, cells=[_brief(cell) for cell in study.cells[row]], ax=ax),
            f"single-{row}",
            _from_to(first, row),
            PHONE,
            rows_height(len(strongest(contributions(first)[row], 8).shown) + 3),
        )
        for row in study.singles
    ]


def _read(cell: str) -> float:
    """A cell as the number or the time it is, or NaN."""
    for kind in (float, lambda text: datetime.fromisoformat(text).timestamp()):
        with suppress(ValueError):
            return kind(cell)
    return float("nan")


def _brief(cell: str) -> str:
    """A cell for a narrow place: long decimals are rounded, everything else stays as it is."""
    return number(float(cell), 4) if len(cell) > 5 and re.fullmatch(r"-?\d+\.\d+", cell) else cell


def _from_to(attribution: Attribution, row: int) -> str:
    start, end = float(attribution.reference[row]), float(attribution.output[row])
    return f"From the reference {number(start)} to the output {number(end)}"


def _twice(on: On, name: str, alt: str, height: Callable[[float], float]) -> str:
    """The picture at a page's width and at a phone's; the page shows the one that fits."""
    return _once(on, name, alt, WIDTH, height(WIDTH), "wide") + _once(
        on, f"{name}-phone", alt, PHONE, height(PHONE), "narrow"
    )


def _once(on: On, name: str, alt: str, width: float, height: float, kind: str = "") -> str:
    with page_style(name):
        import matplotlib.figure

        # never known to pyplot: a report leaves no figure behind
        drawn = matplotlib.figure.Figure((width, height), layout="constrained")
        on(drawn.add_subplot())
        return embed(drawn, kind, alt)


def _fit(study: Study) -> str:
    classes = [short(name, 16) for name in study.classes]
    alt = "Table of true and predicted classes" if classes else "Predicted against true values on the test rows"
    height = 1.2 + 0.42 * len(classes) if classes else 4.2
    return _once(lambda ax: fit(study.true, study.predicted, classes=classes, ax=ax), "fit", alt, 4.6, height)


def _rounds(study: Study) -> str:
    steps = [r.step for r in study.rounds]
    train, validation = ([getattr(r, f"{part}_error") for r in study.rounds] for part in ("train", "validation"))
    return _twice(
        lambda ax: rounds(
            steps,
            np.array(train),
            np.array(validation),
            kept=[r.kept for r in study.rounds],
            measure=error_name(study),
            ax=ax,
        ),
        "rounds",
        "Train and validation error after every step",
        lambda width: rows_height(len(steps)) if crowded(steps, width) else 3.0,
    )


def _scores(study: Study) -> str:
    names, values, errors = zip(*((s.name, s.score, s.error) for s in study.scores), strict=True)
    shown = strongest(np.array(values), 20).shown
    return _twice(
        lambda ax: scores(names, np.array(values), np.array(errors), ax=ax),
        "scores",
        "Feature scores with error bars, highest first: " + ", ".join(short(n, 40) for n in names[:5]),
        lambda width: rows_height(len(shown)),
    )


def _network(study: Study, kan: KAN) -> str:
    names = tuple(label(name, 18) for name in study.names)
    # two classes share one output: the log-odds of the second
    outputs = [label(name, 18) for name in (study.classes if len(study.classes) > 2 else (study.target,))]
    drawn = picture(kan)
    alt = f"The network: {len(names)} inputs below, joined by {len(drawn.edges)} curves to the prediction above"
    width, height = plan(drawn, names).inches
    return _once(lambda ax: network(drawn, in_vars=names, out_vars=outputs, ax=ax), "network", alt, width, height)


def _methods(study: Study) -> str:
    count = len(study.comparison.attributions)
    return _twice(
        lambda ax: methods(study.comparison, ax=ax),
        "methods",
        f"The attributions of {count} methods, feature by feature, as shares of each method",
        lambda width: methods_height(study.comparison, width),
    )


def _agreement(study: Study) -> str:
    count = len(study.comparison.attributions)
    return _once(
        lambda ax: agreement(study.comparison, ax=ax),
        "agreement",
        "Rank correlation of every pair of methods",
        min(4.6, 1.8 + 0.7 * (count - 1)),
        1.3 + 0.4 * count,
    )


def _beeswarm(study: Study) -> str:
    first = next(iter(study.comparison.attributions.values()))
    own = np.array([[_read(cell) for cell in row] for row in study.cells])
    shown = strongest(np.abs(contributions(first)).mean(0), 10).shown
    return _twice(
        lambda ax: beeswarm(first, own=own, ax=ax),
        "beeswarm",
        "Attribution of every explained row and feature, coloured by the feature's value",
        lambda width: 0.9 + 0.42 * max(len(shown), 2),
    )
