"""A suggestion is ranked by its loss, unpacks as pykan's, and does not change the network."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan.network import KAN
from ascribe.kan.symbolic.library import LIBRARY
from ascribe.kan.symbolic.suggest import suggest_symbolic


def edge(function, affine, low: float = -1.0, high: float = 1.0) -> tuple[KAN, torch.Tensor]:
    kan = KAN([1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, function, affine)
    return kan, low + (high - low) * torch.rand(300, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


# Names for what is the same function but for its affine.
SAME = {"cos": {"sin"}, "sin": {"cos"}, "sigmoid": {"tanh"}, "arccos": {"arcsin"}}


@pytest.mark.parametrize("name", ["x", "x^2", "x^3", "exp", "sin", "cos", "tanh", "gaussian", "abs", "arctan", "sgn"])
def test_an_exact_function_comes_first(name: str) -> None:
    kan, x = edge(name, (2.3, 0.4, 1.7, -0.3))
    found = suggest_symbolic(kan, 0, 0, 0, x=x)
    assert found.best.name in {name, *SAME.get(name, set())}
    best, function, r2, complexity = found
    assert (best, function, complexity) == (found.best.name, LIBRARY[best], LIBRARY[best].complexity)
    assert r2 == pytest.approx(1.0)


def test_losses_ascend_and_are_as_stated() -> None:
    kan, x = edge("tanh", (1.5, 0.2, 1.0, 2.0))
    found = suggest_symbolic(kan, 0, 0, 0, topk=12, weight_simple=0.4, x=x)
    losses = [round(each.loss, 3) for each in found.ranked]
    assert len(losses) == 12
    assert losses == sorted(losses)
    spread = float(kan(x).detach().std(correction=0))
    for each in found.ranked:
        misfit = math.log2(1 - each.r2 + 1e-5) + 0.1 * math.log2(1 + abs(each.affine[3]) / spread)
        assert each.loss == pytest.approx(0.4 * each.complexity + 0.6 * misfit, abs=1e-6)


def test_a_limit_of_another_function_is_not_preferred() -> None:
    kan, x = edge("x^2", (1.0, 0.1, -0.35, 0.2))
    assert suggest_symbolic(kan, 0, 0, 0, x=x).best.name == "x^2"


def test_an_edge_that_is_not_there_is_zero() -> None:
    kan, x = edge("x", (1, 0, 1, 0))
    kan.layers[0].remove(0, 0)
    assert suggest_symbolic(kan, 0, 0, 0, x=x).best.name == "0"
    assert kan.mode(0, 0, 0) == ""


def test_it_prints_a_table_only_when_asked(capsys) -> None:
    kan, x = edge("sin", (3, 0, 1, 0))
    found = suggest_symbolic(kan, 0, 0, 0, x=x, topk=3)
    assert capsys.readouterr().out == ""
    suggest_symbolic(kan, 0, 0, 0, x=x, topk=3, verbose=True)
    printed = capsys.readouterr().out
    assert printed == f"{found!r}\n"
    assert printed.count("\n") == 5
    assert "sin" in printed


def test_one_name_is_a_library() -> None:
    kan, x = edge("sin", (3, 0, 1, 0))
    assert [each.name for each in suggest_symbolic(kan, 0, 0, 0, x=x, lib="tanh").ranked] == ["tanh"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"topk": 0}, "topk=0 shows nothing"),
        ({"lib": []}, "names no function"),
        ({"lib": ["sine"]}, "no function is named 'sine'"),
        ({"a_range": (-math.inf, 1.0)}, "no range; pass two finite numbers"),
        ({"b_range": (0.0, 1.0, 2.0)}, "no range; pass two finite numbers"),
        ({"a_range": (2.0, 1.0)}, "hold nothing"),
    ],
)
def test_what_cannot_be_asked_is_said(asked: dict[str, Any], said: str) -> None:
    kan, x = edge("sin", (3, 0, 1, 0))
    with pytest.raises(InputError, match=said):
        suggest_symbolic(kan, 0, 0, 0, x=x, **asked)
