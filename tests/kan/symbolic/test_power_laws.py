"""Products of powers in noise: exponents and factor are found at once, also where values are negative or lost."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sympy
import torch

from ascribe.kan.symbolic.discovery import discover
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.power_laws import power_laws
from ascribe.kan.symbolic.discovery.stages import stages
from ascribe.kan.symbolic.evaluate import evaluate

A, B, C, D = NAMES = sympy.symbols("a b c d")
LAWS = [A / (2 * B * C**2 * D), -3 * A ** sympy.Rational(3, 2) * B / C, sympy.sqrt(A * B / C**3)]


def _noisy(law: Any, share: float, low: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    x = low + 3 * torch.rand(400, 4, generator=draw, dtype=torch.float64)
    y = evaluate(law, dict(zip("abcd", x.T, strict=True)))
    return x, y + share * y.std() * torch.randn(400, generator=draw, dtype=torch.float64)


def _found(x: torch.Tensor, y: torch.Tensor) -> list[Any]:
    branch = Branch.of(x.T, y, NAMES)
    return [branch.whole(formula, branch.symbols) for formula in power_laws(branch)]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_a_product_of_powers_is_found_to_its_exponents(law: Any) -> None:
    (found,) = _found(*_noisy(law, 0.05))
    for symbol in NAMES:
        exponent = sympy.simplify(symbol * found.diff(symbol) / found)
        assert exponent == sympy.simplify(symbol * law.diff(symbol) / law)


def test_rows_that_noise_has_put_below_zero_are_fitted_too() -> None:
    x, y = _noisy(A**2 / D, 0.3)
    assert bool((y < 0).any())
    (found,) = _found(x, y)
    assert sympy.simplify(A * found.diff(A) / found) == 2


def test_columns_of_both_signs_have_no_power() -> None:
    x, y = _noisy(A**2 * sympy.sin(B), 0.05)
    x = torch.cat([x[:, :1], x[:, 1:] - 2.5], 1)
    (found,) = _found(x, y + 10)
    assert found.free_symbols <= {A}
    assert _found(x - 2.5, y) == []


def test_of_columns_that_are_powers_of_each_other_the_first_is_taken() -> None:
    x, y = _noisy(A**2 * B, 0.05)
    (found,) = _found(torch.stack([x[:, 0], x[:, 1], 3 * x[:, 0] ** 2, torch.full_like(y, 2.0)], 1), y)
    assert found.free_symbols == {A, B}


def test_it_is_tried_before_sums_are() -> None:
    x, y = _noisy(LAWS[0], 0.05)
    ways = [stage.way for stage in itertools.islice(stages(Branch.of(x.T, y, NAMES), 0), 3)]
    assert ways == ["relation", "power law", "terms"]


def test_discover_chooses_it() -> None:
    found = discover(*_noisy(LAWS[0], 0.02), ["a", "b", "c", "d"])
    assert sympy.simplify(found.formula / LAWS[0]).is_number
