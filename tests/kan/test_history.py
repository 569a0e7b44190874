"""Versions: what is kept, what comes back, and that nothing is written."""

from __future__ import annotations

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan import KAN


def steps():
    """What fitting and pruning leave, without the fitting."""
    kan = KAN([3, 4, 1])
    kan.remember(torch.rand(60, 3) * 2 - 1)
    kan.keep_version()
    kan.layers[0].coef.data.add_(1.0)
    kan.log_history("fit")
    return kan


def test_every_step_is_a_version_of_the_new_network():
    kan = steps()
    small = kan.prune(0.0, 0.0).refine(10).prune_input(active_inputs=[0, 2])
    assert kan.history == ["0.0 KAN", "0.1 fit"]
    assert small.history == ["0.0 KAN", "0.1 fit", "0.2 prune", "0.3 refine", "0.4 prune_input"]
    assert small.checkout("0.3").grid == [10, 10]
    assert small.checkout("0.2").grid == [3, 3]
    assert small.checkout("0.4").input_id.tolist() == [0, 2]


def test_a_version_comes_back_as_it_was():
    kan = steps()
    x = kan.data()
    y = kan(x)
    kan.layers[0].coef.data.zero_()
    back = kan.rewind("0.1")
    assert torch.equal(back(x), y)
    assert back.history == ["0.0 KAN", "0.1 fit", "1.1 rewind 0.1"]
    assert not torch.equal(kan.rewind("0.0")(x), y)
    back.log_history("fit")
    assert back.history[-1] == "1.2 fit"
    assert back.rewind("0.1").history[-1] == "2.1 rewind 0.1"


def test_what_comes_back_keeps_the_data_and_is_independent():
    kan = steps()
    back = kan.rewind("0.1")
    assert torch.equal(back.feature_score, kan.feature_score)
    back.layers[0].coef.data.zero_()
    assert torch.equal(kan.rewind("0.1").layers[0].coef, kan.layers[0].coef)


def test_checkout_has_the_history_up_to_there():
    small = steps().refine(5).refine(7)
    assert small.checkout("0.2").history == ["0.0 KAN", "0.1 fit", "0.2 refine"]


def test_a_version_that_is_not_kept():
    with pytest.raises(InputError, match=r"'0\.7' is not kept; there are 0\.0, 0\.1"):
        steps().rewind("0.7")


def test_copies_share_no_future():
    kan = steps()
    twin = kan.copy()
    twin.log_history("fit")
    assert kan.history == ["0.0 KAN", "0.1 fit"]
    assert twin.history == ["0.0 KAN", "0.1 fit", "0.2 fit"]
