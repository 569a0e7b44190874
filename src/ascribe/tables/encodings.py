"""How one column becomes the numbers a network reads, and how that is said to a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ascribe.core.schema import Column
from ascribe.tables.cells import brief, numbers, sort_of, texts

if TYPE_CHECKING:
    import pyarrow as pa

MISSING, OTHER = "(missing)", "(other)"


@dataclass(frozen=True)
class Numbers:
    """Numbers and dates: the value less `origin`; where it is missing, `fill`, and 1 in a second feature.

    Beyond `limits` there were too few training rows to learn from; a network trained here takes the limit instead.
    """

    column: Column
    treatment: str
    fill: float
    origin: float = 0.0
    indicator: bool = False
    limits: tuple[float, float] | None = None

    @property
    def features(self) -> tuple[str, ...]:
        name = self.column.name
        return (name, f"{name} is missing") if self.indicator else (name,)

    def encode(self, cells: pa.ChunkedArray) -> Float[np.ndarray, "rows features"]:
        values = numbers(cells) - self.origin
        absent = np.isnan(values)
        filled = np.where(absent, self.fill, values)
        return np.stack([filled, absent.astype(float)] if self.indicator else [filled], axis=1)

    def summary(self, cells: pa.ChunkedArray) -> str:
        values = numbers(cells)
        values = values[~np.isnan(values)]
        if not len(values):
            return "no values"
        if self.column.kind == "binary":
            distinct, counts = np.unique(values, return_counts=True)
            return ", ".join(
                f"{brief(v)} in {100 * c / len(values):.0f}%" for v, c in zip(distinct, counts, strict=True)
            )
        show = as_date if self.column.kind == "date" else brief
        return f"{show(values.min())} to {show(values.max())}, median {show(np.median(values))}"


@dataclass(frozen=True)
class Levels:
    """Texts with few values: a 0/1 feature a level, or one feature for two levels (1 is the second)."""

    column: Column
    treatment: str

    @property
    def features(self) -> tuple[str, ...]:
        levels = self.column.levels[1:] if self.column.kind == "binary" else self.column.levels
        return tuple(f"{self.column.name} = {level}" for level in levels)

    def encode(self, cells: pa.ChunkedArray) -> Float[np.ndarray, "rows features"]:
        place = {level: code for code, level in enumerate(self.column.levels)}
        rest = place.get(OTHER, -1)
        absent = place.get(MISSING, rest)
        codes = np.array([absent if text is None else place.get(text, rest) for text in texts(cells)], dtype=int)
        wanted = np.arange(1 if self.column.kind == "binary" else 0, len(self.column.levels))
        return (codes[:, None] == wanted).astype(float)

    def summary(self, cells: pa.ChunkedArray) -> str:
        return shares(texts(cells))


@dataclass(frozen=True)
class Dropped:
    """A column that is not used, and why."""

    column: Column
    treatment: str

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def encode(self, cells: pa.ChunkedArray) -> Float[np.ndarray, "rows features"]:
        return np.zeros((len(cells), 0))

    def summary(self, cells: pa.ChunkedArray) -> str:
        return shares(texts(cells)) if sort_of(cells) in ("text", "boolean") else ""


# What became of a column; `features` names the numbers it gives, none if it was dropped.
Encoding = Numbers | Levels | Dropped


def as_date(days: float) -> str:
    return str(date(1970, 1, 1) + timedelta(days=float(days)))


def shares(cells: np.ndarray, most: int = 3) -> str:
    """The most frequent texts: "red 50%, blue 30%, green 12% and 4 more"."""
    counts = ranked(cells)
    total = sum(counts.values()) or 1
    listed = ", ".join(f"{level[:24]} {100 * count / total:.0f}%" for level, count in list(counts.items())[:most])
    return listed + (f" and {len(counts) - most:,} more" if len(counts) > most else "")


def ranked(cells: np.ndarray) -> dict[str, int]:
    """How often every text occurs, the most frequent first, ties by the alphabet."""
    counts = Counter(cell for cell in cells if cell is not None)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
