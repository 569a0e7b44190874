"""A table from a CSV or Parquet file, or from any data frame that speaks the Arrow capsule protocol."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ascribe.errors import FileError, InputError, need

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = (",", ";", "\t", "|")
# One block lets the reader see all values of a column before it chooses a type; its size is a 32-bit integer.
LARGEST_BLOCK = 1 << 30


def read(source: Any) -> pa.Table:
    """A table: from the path of a CSV (also compressed) or Parquet file, or from a frame (pandas, polars, pyarrow).

    CSV: the first line names the columns, which are separated by comma, semicolon, tab or bar; an empty cell, NA, NaN,
    null and ? are missing values; decimals have a point, or a comma
    where that separates no cells; text is UTF-8, UTF-16 with its mark, or else Latin-1.

    Raises FileError or InputError when it is no table, or has no rows.
    """
    pa = need("pyarrow", extra="table")
    if isinstance(source, str | Path):
        return checked(read_file(Path(source)), str(Path(source).name))
    if not hasattr(source, "__arrow_c_stream__"):
        raise InputError(f"a table was needed, but {type(source).__name__} came; pass a path or a data frame.")
    return checked(pa.table(source), "the table")


def read_file(path: Path) -> pa.Table:
    """The table in a file, told by its first bytes, whatever its name ends in."""
    pa = need("pyarrow", extra="table")
    if path.is_dir():
        raise FileError(f"{path} is a folder; name a CSV or Parquet file.")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        if not magic:
            raise FileError(f"{path} is empty; name a CSV or Parquet file.")
        return need("pyarrow.parquet", extra="table").read_table(path) if magic == b"PAR1" else read_csv(path)
    except FileNotFoundError as error:
        raise FileError(f"there is no file {path}; name a CSV or Parquet file.") from error
    except PermissionError as error:
        raise FileError(f"{path} may not be read; check its permissions.") from error
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise FileError(f"{path.name} is no table: {reason}; name a CSV or Parquet file.") from error


def read_csv(path: Path) -> pa.Table:
    pa, csv = need("pyarrow", extra="table"), need("pyarrow.csv", extra="table")
    with pa.input_stream(str(path), compression="detect") as stream:
        content = stream.read()
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        content = content.decode("utf-16", errors="replace").encode()
    header = content[: 1 << 16]
    if b"\0" in header:
        raise FileError(f"{path.name} is no table: it is neither CSV nor Parquet.")
    names = header.decode("utf-8-sig", errors="replace").splitlines()[0]
    delimiter = max(DELIMITERS, key=names.count)
    return csv.read_csv(
        pa.BufferReader(content),
        read_options=csv.ReadOptions(block_size=min(len(content), LARGEST_BLOCK), encoding=encoding_of(content)),
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            strings_can_be_null=True,
            null_values=[*csv.ConvertOptions().null_values, "?"],
            decimal_point="," if has_decimal_commas(header, delimiter) else ".",
        ),
    )


def has_decimal_commas(header: bytes, delimiter: str) -> bool:
    """Whether numbers are written 3,14: commas that separate no cells stand between digits, and points do not.

    >>> has_decimal_commas(b"a;b\\n3,14;2", ";"), has_decimal_commas(b"a;b\\n3.14;2", ";")
    (True, False)
    """
    return delimiter != "," and bool(re.search(rb"\d,\d", header)) and not re.search(rb"\d\.\d", header)


def encoding_of(content: bytes) -> str:
    """UTF-8 where it fits; otherwise Latin-1, which every sequence of bytes fits."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def checked(table: pa.Table, name: str) -> pa.Table:
    """The table with every column named, once; or an error that says why it is of no use."""
    names = [column.strip() or f"unnamed {place}" for place, column in enumerate(table.column_names, start=1)]
    twice = [column for column, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{name} has several columns called {twice[0]!r}; give each its own name.")
    if table.num_rows == 0:
        raise InputError(f"{name} is empty: it has {len(names)} column{'s' if len(names) > 1 else ''} but no rows.")
    if len(names) < 2:
        raise InputError(
            f"{name} has one column, {names[0][:40]!r}; a target and at least one column to explain it are needed."
        )
    return table.rename_columns(names)
