"""Columns made of expressions: the numbers of sympy, in front, and the data set as it was."""

from __future__ import annotations

import pytest
import sympy
import torch

from ascribe.errors import InputError
from ascribe.kan.augment import augment_input
from ascribe.kan.expression import evaluate_expression

a, b = sympy.symbols("a b")


@pytest.mark.parametrize(
    "expression",
    [
        a + 2 * b - 1,
        a * b / 3,
        sympy.sqrt(a) ** 3 / b**2,
        sympy.exp(-(a**2)) * sympy.sin(sympy.pi * b) + sympy.Abs(a - b),
        a**b,
        sympy.atan(a) + sympy.tanh(b) - sympy.log(a) + sympy.asin(b / 2) + sympy.cosh(a) * sympy.sign(a - b),
        sympy.Integer(4),
    ],
)
def test_values_are_sympys(expression):
    x = 0.2 + torch.rand(8, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = evaluate_expression(expression, [a, b], x)
    expected = [float(expression.subs({a: p, b: q})) for p, q in x.tolist()]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-13, atol=1e-13)


def test_whole_powers_of_negative_numbers():
    assert evaluate_expression(a**3, [a], torch.tensor([[-2.0]])).tolist() == [-8.0]


def test_a_dataset_is_augmented_and_left_alone():
    x = torch.rand(6, 2)
    data = {"train_input": x, "train_label": x[:, :1], "test_input": x[:3], "input_mean": x.mean(0)}
    made = augment_input([a, b], [a + b], data)
    assert torch.equal(made["train_input"], torch.cat([x.sum(1, keepdim=True), x], 1))
    assert made["test_input"].shape == (3, 3)
    assert made["train_label"] is data["train_label"]
    assert data["train_input"] is x
    assert data["train_input"].shape == (6, 2)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (sympy.Symbol("z") + a, "none of them is z"),
        (sympy.gamma(a), "gamma in gamma.a. has no counterpart"),
        ("a + b", "no sympy expression"),
        (sympy.I * a, "no counterpart"),
    ],
)
def test_mistakes_are_sentences(expression, message):
    with pytest.raises(InputError, match=message):
        evaluate_expression(expression, [a, b], torch.rand(3, 2))
    with pytest.raises(InputError, match="one symbol a column"):
        evaluate_expression(a, [a], torch.rand(3, 2))
