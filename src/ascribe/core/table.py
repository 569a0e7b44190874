"""An attribution as a table, and as one Parquet file that holds all of it."""

from __future__ import annotations

import json
import os
from itertools import count
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ascribe.core.method import Recorded
from ascribe.core.nest import flat, leaves
from ascribe.core.record import Record
from ascribe.errors import FileError, need

_KEY = b"ascribe.attribution"


def to_table(a: Record) -> Any:
    """One row a data row (with `target="all"`: a data row of an output), a column a feature, then the row's figures."""
    pyarrow = need("pyarrow", extra="table")
    lead, names = a.output.ndim, _distinct(a.columns)
    columns: list[tuple[str, Tensor]] = []
    if lead > 1:
        outputs, rows = a.output.shape
        columns.append(("output number", torch.arange(outputs).repeat_interleave(rows)))
    columns += zip(names, _columns(a.per_feature(), lead), strict=True)
    columns += [("output", a.output), ("reference", a.reference), ("gap", a.gap)]
    error = a.error_per_feature()
    if error is not None:
        columns += zip([f"{name} (error)" for name in names], _columns(error, lead), strict=True)
    arrays = [pyarrow.array(_numbers(column)) for _, column in columns]
    return pyarrow.Table.from_arrays(arrays, names=_distinct(name for name, _ in columns))


def save(a: Record, path: str | PathLike[str]) -> None:
    """Values, errors and inputs as columns, the rest as JSON in the schema; the file appears when it is whole."""
    pyarrow, parquet = need("pyarrow", extra="table"), need("pyarrow.parquet", extra="table")
    table = to_table(a)
    inputs = flat(a.inputs, 1)
    for i, column in enumerate(inputs.T):
        table = table.append_column(f"input {i}", pyarrow.array(_numbers(column.repeat(len(table) // len(column)))))
    about = {
        "names": list(a.names),
        "columns": len(a.columns),
        "lead": list(a.output.shape),
        "values": _form(a.values, a.output.ndim),
        "inputs": _form(a.inputs, 1),
        "error": a.error is not None,
        "target": a.target if isinstance(a.target, (int, str, type(None))) else repr(a.target),
        "at": a.at,
        "method": {"name": a.method.name, "recipe": repr(a.method)},
        "calls": a.calls,
        "evaluations": a.evaluations,
        "seconds": a.seconds,
    }
    table = table.rename_columns(_distinct(table.column_names)).replace_schema_metadata(
        {_KEY: json.dumps(about).encode()}
    )
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        parquet.write_table(table, partial)
        partial.replace(path)
    except OSError as error:
        raise FileError(
            f"cannot write {path}: {error.strerror or error}; pass a path in a folder that exists"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def load(path: str | PathLike[str]) -> dict[str, Any]:
    """The fields of an attribution that `save` wrote."""
    pyarrow, parquet = need("pyarrow", extra="table"), need("pyarrow.parquet", extra="table")
    try:
        table = parquet.read_table(path)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise FileError(f"cannot read {path}: {error}; pass a file that Attribution.save wrote") from error
    metadata = table.schema.metadata or {}
    try:
        return _fields(table, json.loads(metadata[_KEY]))
    except (LookupError, ValueError, TypeError, RuntimeError) as error:
        raise FileError(
            f"{path} is a Parquet file, but not of an attribution; pass one that Attribution.save wrote"
        ) from error


def _fields(table: Any, about: dict[str, Any]) -> dict[str, Any]:
    lead, features = about["lead"], about["columns"]
    columns = [torch.from_numpy(column.to_numpy().copy()) for column in table.columns]
    start = len(lead) - 1
    figures = columns[start + features : start + features + 3]
    end = start + features + 3 + (features if about["error"] else 0)
    inputs = [column[: lead[-1]] for column in columns[end:]]
    return {
        "values": _nest(columns[start : start + features], lead, about["values"]),
        "error": _nest(columns[start + features + 3 : end], lead, about["values"]) if about["error"] else None,
        **{name: column.reshape(lead) for name, column in zip(("output", "reference", "gap"), figures, strict=True)},
        "inputs": _nest(inputs, lead[-1:], about["inputs"]),
        "names": tuple(about["names"]),
        "target": about["target"],
        "at": tuple(about["at"]) if isinstance(about["at"], list) else about["at"],
        "method": Recorded(about["method"]["name"], about["method"]["recipe"]),
        "calls": about["calls"],
        "evaluations": about["evaluations"],
        "seconds": about["seconds"],
    }


def _columns(values: Tensor, lead: int) -> tuple[Tensor, ...]:
    return values.flatten(0, lead - 1).unbind(1)


def _numbers(column: Tensor) -> Any:
    column = column.detach().flatten().cpu()
    # Arrow's readers do not agree on half precision, and float32 holds all of it.
    return (column.float() if column.dtype in (torch.float16, torch.bfloat16) else column).numpy()


def _distinct(names: Any) -> list[str]:
    """The names, numbered where one comes twice: a table cannot hold two columns of one name."""
    distinct: dict[str, None] = {}
    for name in names:
        numbered = (name if number == 1 else f"{name} ({number})" for number in count(1))
        distinct[next(one for one in numbered if one not in distinct)] = None
    return list(distinct)


def _form(nest: Any, lead: int) -> dict[str, Any]:
    """The nest's keys, and every leaf's shape behind the leading dimensions and dtype."""
    keys = None if isinstance(nest, Tensor) else list(nest) if isinstance(nest, dict) else len(nest)
    parts = leaves(nest)
    return {
        "keys": keys,
        "shapes": [list(part.shape[lead:]) for part in parts],
        "dtypes": [str(part.dtype).removeprefix("torch.") for part in parts],
    }


def _nest(columns: list[Tensor], lead: list[int], form: dict[str, Any]) -> Any:
    table = torch.stack(columns, 1)
    pieces = table.split([prod(shape) for shape in form["shapes"]], 1)
    parts = [
        piece.reshape(*lead, *shape).to(getattr(torch, dtype))
        for piece, shape, dtype in zip(pieces, form["shapes"], form["dtypes"], strict=True)
    ]
    if form["keys"] is None:
        return parts[0]
    return dict(zip(form["keys"], parts, strict=True)) if isinstance(form["keys"], list) else tuple(parts)
