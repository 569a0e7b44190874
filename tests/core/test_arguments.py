"""Arguments that are not what their annotations say are errors that say what is taken; all others pass."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any, SupportsIndex

import numpy as np
import pytest
import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan import KAN
from house.fresh import run


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
    columns: Sequence[Any] | None = None,
    device: torch.types.Device = "cpu",
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
    {"count": 3.0},
    {"count": np.float32(1e9)},
    {"name": "a"},
    {"widths": [2, [1, 1], np.int64(1)]},
    {"widths": np.array([2, 1])},
    {"widths": torch.tensor([2, 1])},
    {"widths": sympy.Matrix([2, 1])},
    {"act": torch.sin},
    {"x": torch.zeros(3)},
    {"cells": [3, 4]},
    {"cells": np.int64(3)},
    {"table": {}},
    {"flag": 1},
    {"flag": np.True_},
    {"flag": torch.tensor(True)},
    {"device": "cpu"},
    {"device": torch.device("meta")},
    {"device": None},
    {"whatever": object()},
]
REFUSED = [
    ({"number": "1"}, "number='1', but take takes a number or a whole number; pass number=0.5, or another."),
    ({"number": None}, "number=None, but"),
    ({"number": torch.zeros(2)}, "number=a tensor of shape (2,), but"),
    ({"count": 1.5}, "count=1.5, but take takes a whole number; pass count=2, or another."),
    ({"count": torch.tensor(1.5)}, "whole number"),
    ({"count": True}, "count=True, but take takes a whole number"),
    ({"count": torch.tensor(True)}, "whole number"),
    ({"count": float("inf")}, "count=inf"),
    ({"number": True}, "number=True, but"),
    ({"number": b"1"}, "number=b'1'"),
    ({"flag": "false"}, "flag='false', but take takes a flag, True or False; pass flag=False, or another."),
    ({"flag": None}, "flag=None"),
    ({"flag": torch.zeros(2)}, "flag=a tensor of shape (2,)"),
    ({"flag": 2}, "flag=2"),
    ({"device": "nowhere"}, "device='nowhere', but take takes a device that is here, such as 'cpu' or None; pass dev"),
    ({"device": "cuda:99"}, "device='cuda:99'"),
    ({"device": True}, "device=True"),
    ({"columns": {}}, "columns={}"),
    ({"widths": b"ab"}, "widths=b'ab'"),
    ({"name": 3}, "name=3, but take takes a text or None; pass a text or None."),
    ({"widths": 3}, "widths=3, but take takes a list of whole numbers or lists of whole numbers; pass widths=(1,)"),
    ({"widths": [2, "a"]}, "widths=[2, 'a']"),
    ({"widths": [2, [1.5]]}, "widths=[2, [1.5]]"),
    ({"widths": "ab"}, "widths='ab'"),
    ({"widths": torch.tensor(2)}, "widths=a tensor of shape ()"),
    ({"columns": 3}, "columns=3, but take takes a list or None; pass a list or None."),
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


@checked
def give(
    count: int = 0, cells: SupportsIndex | Sequence[int] = 0, flag: bool | float = False, number: float | int = 0
) -> tuple[Any, ...]:
    return count, cells, flag, number


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ((1e9, np.float64(3), np.True_, 2.0), (10**9, 3, True, 2.0)),
        ((np.int64(2), [2.0, 3, np.int64(4)], 1.0, 2), (2, [2, 3, 4], 1.0, 2)),
        ((torch.tensor(2), (np.int64(2), 3.0), 1, 2), (2, (2, 3), 1, 2)),
    ],
)
def test_a_function_gets_what_its_annotations_say(given, taken):
    found = give(*given)
    assert found == taken
    assert [type(each) for each in found] == [type(each) for each in taken]
    assert all(type(each) is int for each in (found[1] if isinstance(found[1], list | tuple) else [found[1]]))


def test_places_count_as_names_do_and_defaults_pass():
    assert checked(take)(1, 2, None) == "taken"
    with pytest.raises(InputError, match="count='a'"):
        checked(take)(1, "a")


def test_names_that_are_not_taken_are_named_beside_the_nearest():
    with pytest.raises(InputError, match=r"take takes no nothing=; leave it out"):
        checked(take)(nothing=1)
    with pytest.raises(InputError, match=r"take takes no cuont=; did you mean count=\?"):
        checked(take)(cuont=1)

    @checked
    def open_to_all(count: int, *rest: int, last: int = 0, **more: int) -> dict[str, int]:
        return {"last": last, **more}

    assert open_to_all(1, 2, 3, nothing=1) == {"last": 0, "nothing": 1}
    with pytest.raises(InputError, match="last='a'"):
        open_to_all(1, 2, last="a")


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


def test_methods_are_pickled_also_where_they_were_written_elsewhere():
    assert pickle.loads(pickle.dumps(KAN.fit)) is KAN.fit
    assert pickle.loads(pickle.dumps(KAN.load)) is KAN.load


def test_numbers_of_other_libraries_reach_what_they_are_for():
    # In a process where no annotation is checked but by the library itself, as in a user's.
    program = """
import numpy as np
from ascribe import KAN
one, x = np.int64(1), torch.rand(20, 2)
kan = KAN([2, [1, 1], 1], grid=np.array([2, 3]), mult_arity=np.int64(2), affine_trainable=np.True_, seed=one)
kan.fit((x, x[:, :1]), steps=1, batch=10, validation=0.2, seed=one, progress=False)
kan.scores(x, bootstrap=np.int64(2), seed=one)
kan.expand_width(1, 2, sum_bool=False, mult_arity=np.array([2, 3]))
answer = kan.refine(np.array([4, 4])).grid, kan.arity

from ascribe.compat.pykan.MLP import MLP
from ascribe.compat.pykan.utils import create_dataset, create_dataset_from_data
create_dataset(lambda x: x[:, :1], seed=one), create_dataset_from_data(x, x, seed=one), MLP([2, 1], seed=one)
"""
    assert run(program) == ([4, 4], [[], [2, 2, 3], []])


def test_annotations_with_a_shape_take_arrays_of_their_library():
    @checked
    def both(own: Float[np.ndarray, "rows"] | None = None, x: Float[Tensor, "rows"] | None = None) -> str:
        return "taken"

    assert both(np.ones(2), torch.ones(2)) == "taken"
    with pytest.raises(InputError, match="both takes a numpy array or None"):
        both(torch.ones(2))
    with pytest.raises(InputError, match="both takes a tensor or None"):
        both(x=np.ones(2))
