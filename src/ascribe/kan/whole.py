"""Whole numbers, as users give them: never cut to one."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from ascribe.errors import InputError


def whole(value: Any, name: str) -> int:
    """The number itself, as a Python int; numpy's and torch's are taken too.  Raises InputError for any other value.

    >>> whole(3, "grid")
    3
    """
    try:
        return index(value)
    except TypeError:
        raise InputError(f"{name}={value!r} is no whole number; pass one, as {name}=2.") from None


def wholes(value: Any, count: int, name: str) -> list[int]:
    """One whole number `count` times, or those that a list, an array or a tensor holds, however many.

    >>> wholes(3, 2, "grid"), wholes([3, 5], 2, "grid")
    ([3, 3], [3, 5])
    """
    return [whole(each, name) for each in (value if np.ndim(value) else [value] * count)]
