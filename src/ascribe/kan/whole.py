"""Whole numbers, as users give them: never cut to one."""

from __future__ import annotations

from operator import index
from typing import Any

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
