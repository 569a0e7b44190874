"""An attribution as the tables that pictures are drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ascribe.core.attribution import Attribution
from ascribe.core.nest import flat, leaves
from ascribe.errors import InputError


def contributions(attribution: Attribution) -> Float[np.ndarray, "rows features"]:
    """The values, one column a name.

    Raises InputError for an attribution of several outputs: a picture shows one.
    """
    values = attribution.per_feature()
    if values.ndim != 2:
        raise InputError(
            f"this attribution holds {len(values)} outputs, and a picture shows one; explain with target=0."
        )
    return as_array(values)


def own_values(attribution: Attribution) -> Float[np.ndarray, "rows features"] | None:
    """What the rows hold in each feature, or None where a feature is not one number of the input (groups, layers)."""
    parts: Any = leaves(attribution.inputs)
    if attribution.at is not None or sum(part[0].numel() for part in parts) != len(attribution.names):
        return None
    return as_array(flat(attribution.inputs, 1))


def as_array(values: Tensor) -> np.ndarray:
    """A float64 array of `values`, wherever they live."""
    return values.detach().double().cpu().numpy()
