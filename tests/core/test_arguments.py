"""Arguments that are not what their annotations say are errors that say what is taken; all others pass."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, SupportsIndex

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.arguments import checked
from ascribe.errors import InputError


def take(
    number: float | int = 0.5,
    count: int = 2,
    name: str | None = None,
    widths: Sequence[int | Sequence[int]] = (1,),
    act: Callable[[Any], Any] | str = "silu",
    x: Float[Tensor, "n d"] | None = None,
    cells: SupportsIndex | Sequence[int] = 3,
    table: Mapping[str, Any] | None = None,
    flag: bool = False,
    *,
    whatever: Any = None,
) -> str:
    return "taken"


TAKEN = [
    {"number": np.float32(1)},
    {"number": torch.tensor(2.0)},
    {"number": np.int64(1)},
    {"count": np.int64(3)},
    {"count": torch.tensor(3)},
    {"count": True},
    {"name": "a"},
    {"widths": [2, [1, 1], np.int64(1)]},
    {"widths": np.array([2, 1])},
    {"widths": torch.tensor([2, 1])},
    {"act": torch.sin},
    {"x": torch.zeros(3)},
    {"cells": [3, 4]},
    {"cells": np.int64(3)},
    {"table": {}},
    {"flag": 1},
    {"whatever": object()},
]
REFUSED = [
    ({"number": "1"}, "number='1', but take takes a number or a whole number; pass number=0.5, or another."),
    ({"number": None}, "number=None, but"),
    ({"number": torch.zeros(2)}, "number=a tensor of shape (2,), but"),
    ({"count": 1.5}, "count=1.5, but take takes a whole number; pass count=2, or another."),
    ({"count": torch.tensor(1.5)}, "whole number"),
    ({"name": 3}, "name=3, but take takes a text or None; pass a text or None."),
    ({"widths": 3}, "widths=3, but take takes a list of whole numbers or lists of whole numbers; pass widths=(1,)"),
    ({"widths": [2, "a"]}, "widths=[2, 'a']"),
    ({"widths": [2, [1.5]]}, "widths=[2, [1.5]]"),
    ({"widths": "ab"}, "widths='ab'"),
    ({"act": 3}, "a function or a text"),
    ({"x": [1.0]}, "x=[1.0], but take takes a tensor or None; pass a tensor or None."),
    ({"cells": 1.5}, "cells=1.5"),
    ({"table": [1]}, "a Mapping or None"),
]


@pytest.mark.parametrize("given", TAKEN, ids=lambda given: next(iter(given)))
def test_what_fits_passes(given):
    assert checked(take)(**given) == "taken"


@pytest.mark.parametrize(
    ("given", "says"), REFUSED, ids=lambda part: next(iter(part)) if isinstance(part, dict) else ""
)
def test_what_does_not_fit_is_a_sentence(given, says):
    with pytest.raises(InputError) as caught:
        checked(take)(**given)
    assert says in str(caught.value)


def test_places_count_as_names_do_and_defaults_pass():
    assert checked(take)(1, 2, None) == "taken"
    with pytest.raises(InputError, match="count='a'"):
        checked(take)(1, "a")
    with pytest.raises(TypeError, match="unexpected keyword"):
        checked(take)(nothing=1)


def test_a_function_stays_what_it_is():
    assert inspect.signature(checked(take)) == inspect.signature(take)
    assert checked(take).__name__ == "take"


def test_methods_of_a_class():
    @checked
    class Thing:
        def __init__(self, count: int) -> None:
            self.count = count

        def forward(self, count: int) -> int:
            return count

        def more(self, by: int = 1) -> int:
            return self.count + by

        @staticmethod
        def of(count: int) -> Thing:
            return Thing(count)

        @classmethod
        def twice(cls, count: int) -> Thing:
            return cls(2 * count)

        @property
        def half(self) -> float:
            return self.count / 2

    thing = copy.deepcopy(Thing.twice(2))
    assert (thing.more(), thing.half, Thing.of(3).more(by=2), thing.forward("hot")) == (5, 2.0, 5, "hot")
    for wrong in (
        lambda: Thing("a"),
        lambda: Thing.of("a"),
        lambda: Thing.twice(1.5),
        lambda: thing.more("a"),
    ):
        with pytest.raises(InputError, match="whole number"):
            wrong()
    with pytest.raises(InputError, match="but Thing takes a whole number"):
        Thing(None)
