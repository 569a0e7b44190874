"""The cells of a column as numbers, days or texts, with every way of having no value made the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float

from ascribe.errors import need
from ascribe.plots.labels import number

if TYPE_CHECKING:
    import pyarrow as pa

Sort = Literal["number", "boolean", "day", "text", "other"]
MICROSECONDS_A_DAY = 86_400 * 10**6


def sort_of(column: pa.ChunkedArray) -> Sort:
    """What the cells of a column are."""
    types = need("pyarrow", extra="table").types
    type_ = column.type.value_type if types.is_dictionary(column.type) else column.type
    if types.is_boolean(type_):
        return "boolean"
    if types.is_integer(type_) or types.is_floating(type_) or types.is_decimal(type_) or types.is_null(type_):
        return "number"
    if types.is_date(type_) or types.is_timestamp(type_):
        return "day"
    is_text = types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_)
    return "text" if is_text else "other"


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without a dictionary."""
    types = need("pyarrow", extra="table").types
    return column.cast(column.type.value_type) if types.is_dictionary(column.type) else column


def numbers(column: pa.ChunkedArray) -> Float[np.ndarray, " rows"]:
    """Numbers, booleans (0, 1) and dates (days since 1970) as float64; a missing or infinite value is NaN."""
    pa = need("pyarrow", extra="table")
    sort, column = sort_of(column), plain(column)
    if sort == "day" and pa.types.is_timestamp(column.type):
        microseconds = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64())
        values = microseconds.cast(pa.float64(), safe=False).to_numpy() / MICROSECONDS_A_DAY
    elif sort == "day":
        values = column.cast(pa.date32()).cast(pa.int32()).cast(pa.float64()).to_numpy()
    elif sort == "boolean":
        values = column.cast(pa.int8()).cast(pa.float64()).to_numpy()
    else:
        values = column.cast(pa.float64(), safe=False).to_numpy()
    values = np.array(values, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def texts(column: pa.ChunkedArray) -> np.ndarray:
    """The cells as str, None where there is none; an empty text is no value."""
    pa = need("pyarrow", extra="table")
    cells = plain(column).cast(pa.string()).to_numpy(zero_copy_only=False)
    return np.array([cell.strip() or None if isinstance(cell, str) else None for cell in cells], dtype=object)


def has_infinity(column: pa.ChunkedArray) -> bool:
    """Whether one of the numbers is infinite."""
    pa, compute = need("pyarrow", extra="table"), need("pyarrow.compute", extra="table")
    return pa.types.is_floating(column.type) and bool(compute.any(compute.is_inf(column)).as_py())


def shown(column: pa.ChunkedArray, row: int) -> str:
    """One cell as a person reads it."""
    cell = column[row].as_py()
    if cell is None or cell != cell:
        return "missing"
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def brief(value: float) -> str:
    """A number for a sentence: four digits, no exponent where it can be helped, and a year stays a year.

    >>> [brief(v) for v in (35682.0, 2.5, 1990.0, -0.0001234, 3.0)]
    ['35,682', '2.5', '1990', '−0.0001234', '3']
    """
    text = number(value, 4)
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text if abs(value) >= 10_000 else text.replace(",", "")
