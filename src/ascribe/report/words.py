"""The sentences of the report: what the figures say, in plain words and with the figures in them."""

from __future__ import annotations

import math
import shlex

import numpy as np

from ascribe.core.arrays import as_array
from ascribe.metrics.comparison import standard_metrics
from ascribe.plots.labels import number, short
from ascribe.plots.values import contributions
from ascribe.report.spelling import listed, percent
from ascribe.report.study import Study, Yardstick

PLAIN = ("mean", "most frequent class")
"""The yardstick that looks at no column: what it leaves tells how hard the rows are."""

LONGEST = 40
"""Letters of a column's name in a sentence."""


def error_name(study: Study) -> str:
    """The figure that models are compared by: smaller is better."""
    return "RMSE" if study.task == "regression" else "log-loss"


def shares(study: Study) -> dict[str, float]:
    """Each column's part of all attribution, by the first method's mean |value|; the largest first."""
    first = next(iter(study.comparison.attributions.values()))
    strength = np.abs(contributions(first)).mean(0)
    total = float(strength.sum()) or 1.0
    return {first.names[int(i)]: float(strength[i]) / total for i in np.argsort(-strength, kind="stable")}


def headline(study: Study) -> str:
    """Who carries the prediction: as few columns as make up half of it, at most three."""
    parts = list(shares(study).items())
    if not any(share for _, share in parts):
        return f"Nothing in the table moves the prediction of {short(study.target, LONGEST)}"
    reach = np.cumsum([share for _, share in parts])
    count = min(int(np.searchsorted(reach, 0.5)) + 1, 3, len(parts))
    who = listed([short(name, LONGEST) for name, _ in parts[:count]])
    makes = "makes" if count == 1 else "make"
    return (
        f"{who} {makes} up {percent(reach[count - 1])} of what moves the prediction of {short(study.target, LONGEST)}"
    )


def lead(study: Study) -> str:
    """How far the explained model can be believed at all: its own figure on unseen rows, and the best yardstick's."""
    own = study.yardsticks[0]
    text = f"On {study.test:,} {unseen(study)}, {the(own)} {_achieves(own, study)}"
    others = study.yardsticks[1:]
    if not others:
        return text + "."
    name = "accuracy" if study.task == "classification" else "R2"
    best = max(others, key=lambda yardstick: yardstick.test[name])
    distance, doubt = own.test[name] - best.test[name], uncertainty(best.test[name], study)
    place = "level with" if abs(distance) <= doubt else "ahead of" if distance > 0 else "behind"
    return f"{text}, {place} the best of {len(others)} yardsticks, {the(best)} ({percent(best.test[name])})."


def uncertainty(share: float, study: Study) -> float:
    r"""How far chance alone moves an accuracy or an R² of this size on as many test rows: one standard error.

    Of an accuracy a it is $\sqrt{a (1 - a) / n}$; an RMSE is uncertain by one part in $\sqrt{2 n}$, and 1 - R² by two.
    """
    if study.task == "classification":
        return math.sqrt(max(share * (1 - share), 0.0) / study.test)
    return (1 - share) * 2 / math.sqrt(2 * study.test)


def unseen(study: Study) -> str:
    """What the test rows are to the explained model: nobody knows what a network that was brought along has seen."""
    return "rows it has never seen" if study.kan is not None else "rows of the table"


def the(yardstick: Yardstick) -> str:
    """A model's name in a sentence."""
    return f"the {short(yardstick.name, LONGEST)}"


def _achieves(yardstick: Yardstick, study: Study) -> str:
    if study.task == "classification":
        return f"names the right class for {percent(yardstick.test['accuracy'])}"
    r2 = yardstick.test["R2"]
    if r2 <= 0:
        return f"does no better than guessing the mean of {short(study.target, LONGEST)} (R² {number(r2, 2)})"
    return f"accounts for {percent(r2)} of the variance of {short(study.target, LONGEST)}"


def verdict(study: Study) -> str:
    """The explained model's test error beside every yardstick's."""
    own, *others = study.yardsticks
    error = error_name(study)
    if not others:
        return f"Its {error} on the test rows is {number(own.test[error])}."
    against = [
        f"{_relation(own.test[error], other.test[error])} that of {the(other)} ({number(other.test[error])})"
        for other in others
    ]
    text = f"On the test rows its {error} of {number(own.test[error])} is {listed(against)}."
    doubt = 1 / math.sqrt(2 * study.test)
    if study.task == "regression" and doubt > 0.02:
        text += f" With {study.test:,} rows, differences of up to {percent(doubt)} may be chance."
    return text


def _relation(own: float, other: float) -> str:
    """Own error relative to another's.

    >>> _relation(0.9, 1.0), _relation(1.0, 1.0), _relation(1.2, 1.0)
    ('10% below', 'level with', '20% above')
    """
    change = own / other - 1 if other else 0.0
    if abs(change) < 0.005:
        return "level with"
    return f"{percent(abs(change))} {'below' if change < 0 else 'above'}"


def overfit(study: Study) -> str:
    """What the distance between train and test error says, each as a part of what the mean leaves on those rows."""
    own, error = study.yardsticks[0], error_name(study)
    if study.kan is None:
        return "It came trained: whether it has seen these rows before, the table cannot tell."
    plain = next((yardstick for yardstick in study.yardsticks[1:] if yardstick.name in PLAIN), None)
    hardness = plain.test[error] / plain.train[error] if plain and plain.train[error] else 1.0
    growth = own.test[error] / (own.train[error] * hardness) if own.train[error] else math.inf
    learned = number(own.train[error])
    if growth <= 1.1:
        return f"On the rows it learned from it is {learned}: about as large, so it has not just memorised them."
    harder = " for how hard those rows are" if plain else ""
    size = "somewhat" if growth <= 1.4 else "much"
    return (
        f"On the rows it learned from it is {learned}, {size} smaller{harder}: "
        "it has learned some of their noise, and so have its explanations."
    )


def mean_agreement(study: Study) -> float:
    """The mean rank correlation over pairs of methods; NaN where there is one method."""
    table = as_array(study.comparison.agreement)
    pairs = table[np.tril_indices(len(table), -1)]
    return float(np.nanmean(pairs)) if np.isfinite(pairs).any() else float("nan")


def agreement(study: Study) -> str:
    """How to read the methods' agreement, and what it is here."""
    mean = mean_agreement(study)
    if np.isnan(mean):
        return "With one method there is nothing to agree with; ask for more with --methods."
    if mean >= 0.8:
        verdict = "they tell the same story, and it hardly matters which one is read"
    elif mean >= 0.5:
        verdict = "they share the main points; where they part, trust what several of them say"
    else:
        verdict = "they tell different stories: read single values with care, and ask why they part"
    return f"1 is the same order of columns in every row, 0 is no relation. The mean here is {mean:.2f}: {verdict}."


def largest_gap(study: Study) -> dict[str, float]:
    """Each method's largest gap over the rows, as a part of the mean distance of the output from the reference."""
    found = {}
    for name, a in study.comparison.attributions.items():
        distance = float((a.output - a.reference).abs().mean()) or 1.0
        found[name] = float(a.gap.abs().max()) / distance
    return found


READINGS = {
    "infidelity": "Infidelity asks how badly the values foretell what removing columns does to the output: "
    "0 is perfect, 1 is as good as saying nothing.",
    "deletion": "Deletion removes the columns from the strongest and from the weakest end; the further the output "
    "falls in between (in its own units), the better the order.",
}
"""How to read a metric; one that is not here shows its direction alone."""


def metrics(study: Study) -> dict[str, str]:
    """The metrics that the comparison has, with the end that is good: "low" or "high"."""
    best = {metric.name: metric.best for metric in standard_metrics()}
    return {name: best[name] for name in study.comparison.table[0] if name in best}


def complete(study: Study) -> str:
    """How to read the completeness gaps, and what they are here."""
    gaps = largest_gap(study)
    whole = [name for name, gap in gaps.items() if gap <= 1e-2]
    if not whole:
        return "None of the methods here is complete: their values rank and compare, but do not add up."
    if len(whole) == len(gaps):
        return "All methods here add up to within 1% in every row."
    return f"Here {listed(whole)} add{'s' if len(whole) == 1 else ''} up to within 1% in every row."


def command(study: Study) -> str:
    """What to type to get this report again; "" for a table that was no file."""
    recipe = study.recipe
    if "file" not in recipe["table"]:
        return ""
    parts = ["ascribe", "explain", recipe["table"]["file"], "--target", study.target]
    if recipe["model"]:
        parts += ["--model", recipe["model"]["file"]]
    for column in recipe["drop"]:
        parts += ["--drop", column]
    if recipe["task_asked"]:
        parts += ["--task", recipe["task_asked"]]
    methods = ",".join(text.split("(")[0] for text in recipe["methods"])
    return shlex.join([*parts, "--methods", methods, "--seed", str(study.seed)])


def versions(study: Study) -> str:
    """The libraries that made the report."""
    found = study.recipe["versions"]
    return listed([f"{library} {version}" for library, version in found.items() if version])
