"""From a table to numbers: which rows and columns are used, how they are divided and encoded, what must be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from ascribe.core.schema import find_column
from ascribe.errors import InputError
from ascribe.report.study import ColumnFacts
from ascribe.tables.cells import has_infinity, shown
from ascribe.tables.encoder import Encoder, count_missing
from ascribe.tables.split import Split, split
from ascribe.tables.target import Target, Task, read_target

if TYPE_CHECKING:
    import pyarrow as pa


# What a network of single precision can square, and which part of a number it can still divide into a hundred.
LARGEST, FINEST = 1e18, 1e-5


@dataclass(frozen=True)
class Data:
    """A table made ready: `table` has only the rows in use, and `rows` their places in the table that was given."""

    table: pa.Table
    rows: Int[np.ndarray, " rows"]
    target: Target
    values: np.ndarray
    parts: Split
    encoder: Encoder
    notes: tuple[str, ...]

    @cached_property
    def features(self) -> Float[np.ndarray, "rows features"]:
        return self.encoder.encode(self.table)

    def facts(self) -> tuple[ColumnFacts, ...]:
        """What is said of every column."""
        return tuple(
            ColumnFacts(
                encoding.column.name,
                encoding.column.kind,
                encoding.treatment,
                count_missing(self.table[encoding.column.name]),
                encoding.summary(self.table[encoding.column.name]),
            )
            for encoding in self.encoder.encodings
        )

    def cells(self, rows: Int[np.ndarray, " rows"]) -> tuple[tuple[str, ...], ...]:
        """The cells of some rows as a person reads them, a player a column."""
        columns = [self.table[name] for name in self.encoder.players]
        return tuple(tuple(shown(column, int(row)) for column in columns) for row in rows)


def prepare(
    table: pa.Table, target_name: str, *, drop: Sequence[str], task: Task | None, seed: int, most_rows: int, plain: bool
) -> Data:
    """Choose, divide and encode. With `plain` every column is passed on as the number it is.

    Raises InputError where nothing could be learned from the table.
    """
    target = read_target(table, target_name, task)
    dropped = [find_column(name, table.column_names) for name in drop]
    if target.name in dropped:
        raise InputError(f"--drop {target.name!r} names the target itself; drop other columns.")
    names = [name for name in table.column_names if name not in (target.name, *dropped)]
    if not names:
        raise InputError("--drop leaves no column to explain the target; drop fewer.")
    notes = [*target.notes]
    notes += [f"Left out as asked: {', '.join(dropped)}."] if dropped else []
    kept = np.arange(len(target.rows))
    if len(kept) > most_rows:
        kept = np.sort(np.random.default_rng(seed).choice(len(kept), most_rows, replace=False))
        notes.append(f"The study uses a sample of {most_rows:,} of the {len(target.rows):,} rows.")
    rows, values = target.rows[kept], target.values[kept]
    used = table.take(rows)
    parts = split(len(rows), seed, values if target.task == "classification" else None)
    encoder = (Encoder.plain if plain else Encoder.learn)(used, names, parts.training)
    endless = [name for name in names if has_infinity(table[name])]
    notes += [f"Infinite values count as missing: {', '.join(endless)}."] if endless else []
    data = Data(used, rows, target, values, parts, encoder, tuple(notes))
    check_precision(data)
    return data


def check_precision(data: Data) -> None:
    """Raises InputError for numbers that single precision cannot hold, or tell apart."""
    columns = list(zip(data.encoder.features, data.features.T, strict=True))
    if data.target.task == "regression":
        columns.append((data.target.name, data.values))
    for name, values in columns:
        size = float(np.abs(values).max())
        if size > LARGEST:
            raise InputError(f"column {name!r} reaches {size:.3g}; numbers up to {LARGEST:g} can be used: rescale it.")
        spread = float(np.ptp(values))
        if 0 < spread < FINEST * size:
            raise InputError(
                f"column {name!r} varies by {spread:.3g} only, about {size:.3g}; subtract a constant from it."
            )
