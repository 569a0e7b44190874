"""The column to explain: numbers to predict, or classes to tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ascribe.core.schema import find_column
from ascribe.errors import InputError
from ascribe.tables.cells import brief, numbers, sort_of, texts

if TYPE_CHECKING:
    import pyarrow as pa

Task = Literal["regression", "classification"]
MOST_CLASSES = 50
# Whole numbers with no more different values than this are taken for classes unless the user says otherwise.
FEW = 10


@dataclass(frozen=True)
class Target:
    """What is predicted: `values` are numbers or places in `classes`, those of `rows`, the rows that have one."""

    name: str
    task: Task
    values: np.ndarray
    rows: np.ndarray
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_target(table: pa.Table, name: str, task: Task | None = None) -> Target:
    """The target column of a table; rows without one are left out, with a note.

    Texts and booleans are classes, and so are whole numbers with few different values, unless `task` says otherwise.
    Raises InputError for an unknown or constant column, dates, and texts with too many classes.
    """
    cells = table[find_column(name, table.column_names)]
    sort = sort_of(cells)
    if sort in ("day", "other"):
        raise InputError(f"the target {name!r} holds {cells.type}; a column of numbers or of classes is needed.")
    values = numbers(cells) if sort == "number" else texts(cells)
    rows = np.flatnonzero([value is not None and value == value for value in values])
    notes = []
    if len(rows) < len(values):
        notes.append(
            f"{len(values) - len(rows):,} rows have no value of {name} (missing or infinite); they are left out."
        )
    values = values[rows]
    distinct = sorted(set(values.tolist()))
    if len(distinct) < 2:
        what = (
            f"always {brief(distinct[0]) if sort == 'number' else repr(distinct[0])}"
            if distinct
            else "without any value"
        )
        raise InputError(f"the target {name!r} is {what}; a column that varies is needed.")
    if sort != "number" and task == "regression":
        raise InputError(f"the target {name!r} holds texts, which cannot be predicted as numbers; leave out --task.")
    if task is None and sort == "number" and len(distinct) <= FEW and all(value == int(value) for value in distinct):
        task = "classification"
        if len(distinct) > 2:
            notes.append(
                f"{name} has {len(distinct)} whole values, taken for classes; --task regression takes them for numbers."
            )
    if sort == "number" and task != "classification":
        return Target(name, "regression", values.astype(float), rows, notes=tuple(notes))
    return as_classes(name, values, rows, distinct, tuple(notes))


def as_classes(
    name: str, values: np.ndarray, rows: np.ndarray, distinct: list[object], notes: tuple[str, ...]
) -> Target:
    if len(distinct) > MOST_CLASSES:
        raise InputError(
            f"the target {name!r} has {len(distinct):,} classes in {len(values):,} rows, and at most {MOST_CLASSES} "
            "can be told apart; name a column of numbers, or one with fewer classes."
        )
    place = {value: code for code, value in enumerate(distinct)}
    classes = tuple(f"{value:.6g}" if isinstance(value, float) else str(value) for value in distinct)
    codes = np.array([place[value] for value in values.tolist()], dtype=np.int64)
    return Target(name, "classification", codes, rows, classes, notes)
