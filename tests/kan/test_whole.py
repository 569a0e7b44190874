"""Whole numbers are taken as they are, and nothing is cut to one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan.whole import whole, wholes


@pytest.mark.parametrize("value", [2, np.int64(2), torch.tensor(2), 2.0, np.float32(2)])
def test_whole_numbers_of_any_library(value: object) -> None:
    assert whole(value, "grid") == 2
    assert type(whole(value, "grid")) is int


@pytest.mark.parametrize("values", [[2, 3], (2, 3), range(2, 4), np.array([2, 3]), torch.tensor([2, 3])])
def test_several_are_taken_from_whatever_holds_them(values: object) -> None:
    assert wholes(values, 5, "grid") == [2, 3]


@pytest.mark.parametrize("value", [2, np.int64(2), np.array(2), torch.tensor(2)])
def test_one_stands_for_all(value: object) -> None:
    assert wholes(value, 3, "grid") == [2, 2, 2]


@pytest.mark.parametrize("value", [True, 1.5, float("nan"), float("inf"), "2", None, [2]])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"grid=.* is no whole number"):
        whole(value, "grid")
