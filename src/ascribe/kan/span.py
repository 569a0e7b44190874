"""Intervals, as users give them."""

from __future__ import annotations

import math
from typing import Any

from ascribe.errors import InputError


def span(value: Any, name: str) -> tuple[float, float]:
    """The two ends of (low, high).  Raises InputError for what is not two finite numbers.

    >>> span([0, 1], "grid_range")
    (0.0, 1.0)
    """
    try:
        low, high = map(float, value)
    except (TypeError, ValueError, RuntimeError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError(f"{name}={value!r} is no range; pass two finite numbers: {name}=(low, high).")
    return low, high
