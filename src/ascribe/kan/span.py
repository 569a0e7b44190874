"""Intervals, as users give them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, SupportsFloat

from ascribe.errors import InputError


def span(value: Iterable[SupportsFloat], name: str) -> tuple[float, float]:
    """The two ends of (low, high).  Raises InputError for what is not two numbers.

    >>> span([0, 1], "grid_range")
    (0.0, 1.0)
    """
    ends: list[Any] = list(value)
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"{name}={ends!r} is not two numbers; pass {name}=(low, high), as (-1, 1).") from None
    return low, high
