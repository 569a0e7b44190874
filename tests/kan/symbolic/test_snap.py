"""Constants come out exact where the data allow it, and stay as fitted where they do not."""

from __future__ import annotations

import math

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan.symbolic.canonical import canonical
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.formula import Formula
from ascribe.kan.symbolic.snap import simple_number, snap

sympy = pytest.importorskip("sympy")
a, b = sympy.symbols("a b")
exp, log, sin, sqrt, pi = sympy.exp, sympy.log, sympy.sin, sympy.sqrt, sympy.pi

CASES = {
    "hello": (
        exp(sin(pi * a) + b**2), 0.193 * exp(-2.83 * (-0.354 * sin(3.15 * a + 0.001) - 0.58 - 0.354 * (b - 0.01) ** 2)),
    ),
    "ratio": (a**2 / (4 * pi * b**2), 0.079 * (1.01 * a + 0.01) ** 2 * (0.99 * b + 0.01) ** -2),
    "root": (sqrt(a**2 + b**2), (1.01 * (a + 0.01) ** 2 + 0.98 * (b + 0.003) ** 2 + 0.02) ** 0.5),
    "log": (log(a) + 2 * log(b), 1.01 * log(0.5 * a + 0.001) + 1.98 * log(3.1 * b + 0.001) + 0.2),
    "product": (a * b / 3, 0.17 * ((0.7 * a + 0.7 * b) ** 2 - (0.7 * a - 0.7 * b + 0.001) ** 2)),
}  # fmt: skip


def rows(count: int = 120) -> torch.Tensor:
    return 0.5 + 1.5 * torch.rand(count, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def values(expression, x: torch.Tensor) -> torch.Tensor:
    return evaluate(expression, {"a": x[:, 0], "b": x[:, 1]})[:, None]


@pytest.mark.parametrize("name", CASES)
def test_the_law_is_recovered_exactly(name: str) -> None:
    true, near = CASES[name]
    x = rows()
    found = snap(near, (a, b), x, values(true, x)[:, 0])
    assert sympy.expand(sympy.expand_log(found.expression - true, force=True)) == 0
    assert found.error < 1e-26


@pytest.mark.parametrize("seed", range(2))
def test_noise_costs_digits_not_the_law(seed: int) -> None:
    true, near = CASES["hello"]
    x = rows(300)
    noise = 0.01 * torch.randn(300, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    found = snap(near, (a, b), x, (values(true, x) + noise)[:, 0])
    assert sympy.simplify(found.expression - true) == 0
    assert found.free_error <= found.error <= 1.3 * found.free_error


def test_a_constant_that_is_not_simple_stays() -> None:
    x = rows()
    true = sympy.Float(0.5772156649) * a + sympy.Float(1.2020569) * b
    expression = snap(0.5 * a + 1.1 * b + 0.1, (a, b), x, values(true, x)[:, 0]).expression
    assert float(expression.coeff(a)) == pytest.approx(0.5772156649, rel=1e-12)
    assert expression.subs({a: 0, b: 0}) == 0


def test_several_outputs_are_snapped_each() -> None:
    x = rows()
    y = torch.cat([values(2 * a, x), values(sin(b) / 2, x)], 1)
    found = Formula((1.9 * a + 0.1, 0.6 * sin(1.1 * b)), (a, b)).snapped(x, y)
    assert found.expressions == (2 * a, sin(b) / 2)
    assert found.check < 1e-14


def test_a_formula_that_is_not_real_on_the_data_is_said() -> None:
    with pytest.raises(InputError, match="real number"):
        snap(1.1 * log(a - 9.5), (a, b), rows(), rows()[:, 0])


@pytest.mark.parametrize("unit", [sympy.Integer(1), pi, 1 / pi, sympy.E, sqrt(2)])
def test_simple_numbers_are_found_within_their_width(unit) -> None:
    for exact in (unit * sympy.Rational(p, q) for p in (-7, -1, 1, 2, 5, 11) for q in (1, 2, 3, 8)):
        found = simple_number(float(exact) * (1 + 3e-9), 1e-8 * abs(float(exact)))
        assert found is not None
        assert found[1] == exact


def test_chance_finds_few() -> None:
    draws = 1 + 9 * torch.rand(300, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = [simple_number(value, 1e-8 * value) for value in draws.tolist()]
    assert sum(each is not None for each in found) == 0
    assert simple_number(1e-13, 0.0) == (0.0, 0)


@pytest.mark.parametrize(
    "expression",
    [exp(a + sympy.Float(0.7)), log(2.5 * a + 1.5 * b), (0.5 * a + 1.5) ** 2, (-0.5 * a - 1.5) ** 3,
     (2.0 * a + 1) ** 0.5, sympy.Abs(-2.5 * a + b), exp(-(0.5 * a + 0.25) ** 2), exp(0.3 * a - 1.25) ** 2,
     sympy.cosh(a + 0.5) * log(0.5 * a)],
)  # fmt: skip
def test_the_canonical_form_is_the_same_function(expression) -> None:
    x = rows()
    torch.testing.assert_close(values(canonical(expression), x), values(expression, x), rtol=1e-13, atol=1e-13)


def test_canonical_forms_hold_each_number_once() -> None:
    u = sympy.Symbol("u", positive=True)
    assert canonical(sympy.Float(3) * exp(u + sympy.Float(1.0))) == sympy.Float(3 * math.e) * exp(u)
    assert len(canonical(sympy.Float(2.0) * (0.5 * u + 1.5) ** 2).atoms(sympy.Float)) == 2
