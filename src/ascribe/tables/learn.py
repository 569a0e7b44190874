"""Choosing the encoding of a column from its training rows alone, so that the test part stays unseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ascribe.core.schema import Column
from ascribe.tables.cells import brief, numbers, sort_of, texts
from ascribe.tables.encodings import MISSING, OTHER, Dropped, Encoding, Levels, Numbers, as_date, ranked

if TYPE_CHECKING:
    import pyarrow as pa

# A category keeps so many levels; the rest are one level, "other".
MOST_LEVELS = 20
# Texts of which more than this share occur only once name a row or say something: they are no levels.
MOST_SINGLE = 0.5
# The share of training rows at either end of a column whose distance from the rest is not used.
TAIL = 0.005
NO_VALUES = "Dropped: it has no values in the training part."


def learn(name: str, cells: pa.ChunkedArray) -> Encoding:
    """The encoding of a column, learned from its training rows."""
    return LEARNERS[sort_of(cells)](name, cells)


def learn_numbers(name: str, cells: pa.ChunkedArray) -> Encoding:
    values = numbers(cells)
    present = values[~np.isnan(values)]
    missing = len(present) < len(values)
    distinct, counts = np.unique(present, return_counts=True)
    if not len(distinct):
        return Dropped(Column(name, "dropped"), NO_VALUES)
    if len(distinct) == 1 and not missing:
        return Dropped(Column(name, "constant"), f"Dropped: always {brief(distinct[0])} in the training part.")
    if len(distinct) == 2:
        fill = float(distinct[counts.argmax()])
        said = f"Two values, {brief(distinct[0])} and {brief(distinct[1])}, standardised."
        gaps = f" A missing or infinite value counts as {brief(fill)} and is marked as missing." if missing else ""
        return Numbers(Column(name, "binary"), said + gaps, fill, indicator=missing)
    fill, (low, high) = float(np.median(present)), limits(present)
    gaps = f" A missing or infinite value counts as the median, {brief(fill)}, and is marked." if missing else ""
    said = f"Standardised by the training part; beyond {brief(low)} and {brief(high)} the KAN takes these limits.{gaps}"
    return Numbers(Column(name, "numeric"), said, fill, indicator=missing, limits=(low, high))


def limits(present: np.ndarray) -> tuple[float, float]:
    """Where the column's tails begin; its ends, where one value makes up nearly all of it."""
    low, high = np.quantile(present, (TAIL, 1 - TAIL))
    return (float(low), float(high)) if low < high else (float(present.min()), float(present.max()))


def learn_days(name: str, cells: pa.ChunkedArray) -> Encoding:
    values = numbers(cells)
    present = values[~np.isnan(values)]
    missing = len(present) < len(values)
    if not len(present):
        return Dropped(Column(name, "dropped"), NO_VALUES)
    first = float(np.floor(present.min()))
    if present.min() == present.max() and not missing:
        return Dropped(Column(name, "constant"), f"Dropped: always {as_date(first)} in the training part.")
    unit = f"days since {as_date(first)}"
    gaps = " A missing date counts as the median and is marked as missing." if missing else ""
    sentence = f"Counted in {unit}, then standardised.{gaps}"
    middle, ends = float(np.median(present)) - first, limits(present - first)
    return Numbers(Column(name, "date", unit=unit), sentence, middle, first, missing, ends)


def learn_texts(name: str, cells: pa.ChunkedArray) -> Encoding:
    values = texts(cells)
    counts = ranked(values)
    missing = any(value is None for value in values)
    if not counts:
        return Dropped(Column(name, "dropped"), NO_VALUES)
    if len(counts) == 1 and not missing:
        return Dropped(Column(name, "constant"), f"Dropped: always {next(iter(counts))!r} in the training part.")
    single = sum(count == 1 for count in counts.values())
    if len(counts) > 2 and single > MOST_SINGLE * sum(counts.values()):
        sentence = f"Dropped: {len(counts):,} different texts, most of them only once: a name or free text."
        return Dropped(Column(name, "dropped"), sentence)
    if len(counts) == 2 and not missing:
        low, high = sorted(counts)
        return Levels(Column(name, "binary", (low, high)), f"Two values: 0 is {low!r}, 1 is {high!r}; standardised.")
    return learn_levels(name, list(counts), missing)


def learn_levels(name: str, ranking: list[str], missing: bool) -> Levels:
    kept = ranking[:MOST_LEVELS]
    rest = len(ranking) - len(kept)
    levels = (*kept, *([OTHER] if rest else []), *([MISSING] if missing else []))
    sentence = f"One 0/1 feature for each of {len(levels)} levels, explained together."
    sentence += f" The {rest} rarest levels are one, {OTHER}." if rest else ""
    sentence += " A missing value is a level of its own." if missing else ""
    return Levels(Column(name, "category", levels), sentence)


def learn_nothing(name: str, cells: pa.ChunkedArray) -> Encoding:
    return Dropped(Column(name, "dropped"), f"Dropped: cells of type {cells.type} cannot be used.")


LEARNERS: dict[str, Callable[[str, pa.ChunkedArray], Encoding]] = {
    "number": learn_numbers,
    "boolean": learn_texts,
    "day": learn_days,
    "text": learn_texts,
    "other": learn_nothing,
}
