"""Rows as Captum's metrics handle them."""

from __future__ import annotations

import warnings
from typing import Any

from torch import Tensor


def parts_of(nest: Any) -> tuple[Tensor, ...]:
    """A tensor or a tuple of them, as a tuple."""
    return (nest,) if isinstance(nest, Tensor) else tuple(nest)


def rows_of(nest: Any) -> int:
    """The number of rows."""
    return len(parts_of(nest)[0])


def together(draws: int, most: int | None, rows: int) -> int:
    """How many changes of every row are made at once: as many as `max_examples_per_batch` allows, at least one."""
    if most is None:
        return max(1, draws)
    if not rows <= most <= rows * draws:
        warnings.warn(
            f"max_examples_per_batch={most} is not between {rows}, the rows of the inputs, and {rows * draws}; "
            "the nearest of these is taken",
            stacklevel=3,
        )
    return min(max(most // rows, 1), max(1, draws))
