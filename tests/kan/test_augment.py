"""Columns made of expressions: the numbers of sympy, in front, and the data set as it was."""

from __future__ import annotations

import pytest
import sympy
import torch

from ascribe.errors import InputError
from ascribe.kan.augment import augment_input

a, b = sympy.symbols("a b")


def test_columns_come_first_in_the_order_they_are_given():
    x = torch.rand(5, 2, dtype=torch.float64)
    made = augment_input([a, b], [a * b, sympy.exp(b), sympy.Integer(2)], x)
    two = torch.full((5,), 2.0, dtype=torch.float64)
    expected = torch.stack([x[:, 0] * x[:, 1], x[:, 1].exp(), two, x[:, 0], x[:, 1]], 1)
    torch.testing.assert_close(made, expected)


def test_a_dataset_is_augmented_and_left_alone():
    x = torch.rand(6, 2)
    data = {"train_input": x, "train_label": x[:, :1], "test_input": x[:3], "input_mean": x.mean(0)}
    made = augment_input([a, b], [a + b], data)
    assert torch.equal(made["train_input"], torch.cat([x.sum(1, keepdim=True), x], 1))
    assert made["test_input"].shape == (3, 3)
    assert made["train_label"] is data["train_label"]
    assert data["train_input"] is x
    assert data["train_input"].shape == (6, 2)


def test_mistakes_are_sentences():
    with pytest.raises(InputError, match="z, which has no value"):
        augment_input([a, b], [sympy.Symbol("z")], torch.rand(3, 2))
    with pytest.raises(InputError, match="one symbol a column"):
        augment_input([a], [a], torch.rand(3, 2))
    with pytest.raises(InputError, match="each once"):
        augment_input([a, a], [a], torch.rand(3, 2))
