"""Whole numbers, as users give them: never cut to one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ascribe.core.arguments import whole_number
from ascribe.errors import InputError


def whole(value: Any, name: str) -> int:
    """The number as a Python int, also of numpy's, of torch's and of 3.0.  Raises InputError for any other value.

    >>> whole(3, "grid")
    3
    """
    found = whole_number(value)
    if found is None:
        raise InputError(f"{name}={value!r} is no whole number; pass one, as {name}=2.")
    return found


def wholes(value: Any, count: int, name: str) -> list[int]:
    """One whole number `count` times, or those that a list, an array or a tensor holds, however many.

    >>> wholes(3, 2, "grid"), wholes([3, 5], 2, "grid")
    ([3, 3], [3, 5])
    """
    return [whole(each, name) for each in (value if np.ndim(value) else [value] * count)]
