"""An attribution as the tables that pictures are drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from ascribe.core.arrays import as_array
from ascribe.core.attribution import Attribution
from ascribe.core.nest import flat, leaves
from ascribe.errors import InputError


def contributions(attribution: Attribution) -> Float[np.ndarray, "rows features"]:
    """The values, one column a name.

    Raises InputError for an attribution of several outputs: a picture shows one.
    """
    one_output(attribution)
    return as_array(attribution.per_feature())


def one_output(attribution: Attribution) -> None:
    """Raises InputError for an attribution of several outputs: a picture shows one."""
    if attribution.output.ndim > 1:
        raise InputError(
            f"this attribution holds {len(attribution.output)} outputs, and a picture shows one; explain with target=0."
        )


def of_row(attribution: Attribution, row: int) -> Float[np.ndarray, "*shape"]:
    """The values of one row in their own shape.

    Raises InputError for a row that is not there, for several outputs, and for several inputs.
    """
    one_output(attribution)
    checked_row(attribution, row)
    parts = leaves(attribution.values)
    if len(parts) > 1:
        raise InputError(
            f"this picture shows one input, and {len(parts)} were explained; "
            "explain one of them and hand the others over with given=."
        )
    return as_array(parts[0][row])


def checked_row(attribution: Attribution, row: int) -> None:
    """Raises InputError for a row that is not there."""
    rows = len(attribution.output)
    if not -rows <= row < rows:
        raise InputError(f"row={row}, but {rows} rows were explained; pass 0 <= row < {rows}.")


def own_values(attribution: Attribution) -> Float[np.ndarray, "rows features"] | None:
    """What the rows hold in each feature, or None where a feature is not one number of the input (groups, layers)."""
    parts: Any = leaves(attribution.inputs)
    if attribution.at is not None or sum(part[0].numel() for part in parts) != len(attribution.columns):
        return None
    return as_array(flat(attribution.inputs, 1))
