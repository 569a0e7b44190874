"""Nodes chosen by their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ascribe.errors import InputError
from ascribe.kan.whole import whole


def chosen(numbers: Sequence[int], count: int, name: str) -> list[int]:
    """The numbers as whole ones, each one of `count` places.  Raises InputError otherwise, or for none.

    >>> chosen([2, 0], 3, "group")
    [2, 0]
    """
    found = [whole(number, name) for number in numbers]
    if not found or not all(0 <= number < count for number in found):
        raise InputError(f"{name}={found} does not choose among {count}; pass numbers from 0 to {count - 1}.")
    return found


def exchanged(inputs: int, outputs: int, i1: int, i2: int, mode: str) -> tuple[list[int], list[int]]:
    """The inputs and the outputs in their order, two inputs (or with "out" outputs) in each other's place."""
    if mode not in ("in", "out"):
        raise InputError(f"mode={mode!r} is not known; pass 'in' or 'out'.")
    orders = list(range(inputs)), list(range(outputs))
    order = orders[mode == "out"]
    first, second = chosen([i1, i2], len(order), "the exchanged")
    order[first], order[second] = order[second], order[first]
    return orders
