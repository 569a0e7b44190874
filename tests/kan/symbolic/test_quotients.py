"""Quotients of two sums in noise: laws are found; the linear start and the fit are what they say."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sympy
import torch

from ascribe.kan.symbolic.discovery import discover
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.fraction import fitted
from ascribe.kan.symbolic.discovery.quotients import quotients, started
from ascribe.kan.symbolic.discovery.stages import stages
from ascribe.kan.symbolic.evaluate import evaluate

A, B, C = NAMES = sympy.symbols("a b c")

# Sums, a difference that vanishes, a wave, an exponential; the arc cosine of a quotient.
LAWS = [
    ((A + B) / (1 + A * B), 600, 0.01),
    ((A - B) / (A + B * C), 600, 0.1),
    ((1 + C * sympy.cos(A)) / (4 + B**2), 1000, 0.1),
    (A / (sympy.exp(B) - 1), 300, 0.1),
    (sympy.acos((sympy.cos(A) - B / 4) / (1 - B * sympy.cos(A) / 4)), 300, 0.05),
]


def _noisy(law: Any, rows: int, share: float) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    x = 0.5 + 1.5 * torch.rand(rows, 3, generator=draw, dtype=torch.float64)
    y = evaluate(law, dict(zip("abc", x.T, strict=True)))
    return x, y + share * y.std() * torch.randn(rows, generator=draw, dtype=torch.float64)


@pytest.mark.parametrize(("law", "rows", "share"), LAWS, ids=str)
def test_a_quotient_is_found_in_noise(law: Any, rows: int, share: float) -> None:
    x, y = _noisy(law, rows, share)
    used = sorted(law.free_symbols, key=str)
    columns = x[:, [NAMES.index(symbol) for symbol in used]]
    branch = Branch.of(columns.T, y, used)
    assert branch.noise == pytest.approx(share * float(y.std()), rel=0.2)
    values = evaluate(law, dict(zip("abc", x.T, strict=True)))
    rounded = (_rounded(branch.whole(formula, branch.symbols)) for formula in quotients(branch))
    assert any(_equals(formula, x, values) for formula in rounded)


def _equals(formula: Any, x: torch.Tensor, values: torch.Tensor) -> bool:
    return torch.allclose(evaluate(formula, dict(zip("abc", x.T, strict=True))) + 0 * values, values)


def _rounded(formula: Any) -> Any:
    """Its numbers to quarters."""
    numbers = formula.atoms(sympy.Float)
    return formula.xreplace({number: sympy.Rational(round(4 * number), 4) for number in numbers})


def test_discover_chooses_it() -> None:
    law = (A - B) / (A + B * C)
    x, y = _noisy(law, 400, 0.1)
    found = discover(x, y, list("abc"), seconds=900)
    assert sympy.simplify(found.formula - law) == 0
    assert found.seconds < 450


def test_data_without_noise_are_not_asked() -> None:
    x, y = _noisy((A - B) / (A + B * C), 400, 0.0)
    ways = [stage.way for stage in itertools.islice(stages(Branch.of(x.T, y, NAMES), 0), 9)]
    assert "terms" in ways
    assert "quotient" not in ways


def _columns() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    columns = 0.5 + torch.rand(7, 60, generator=draw, dtype=torch.float64)
    columns[0] = 1.0
    z = (columns[1] - 2 * columns[3]) / (1 + 0.5 * columns[5])
    return columns, z + 0.01 * torch.randn(60, generator=draw, dtype=torch.float64), 0.5 + columns[6]


def test_the_start_is_the_best_of_the_linear_equation() -> None:
    columns, z, weight = _columns()

    def explained(above: tuple[int, ...], below: int) -> float:
        system = torch.cat([columns[list(above)], columns[below : below + 1] * z]) * weight
        numbers = torch.linalg.lstsq(system.T, (z * weight)[:, None], driver="gelsd").solution[:, 0]
        return float((numbers @ system).square().sum())

    for size, keys in started(columns, z, weight, z).items():
        best = {
            c: max(itertools.combinations(range(7), size - 1), key=lambda above, c=c: explained(above, c))
            for c in range(1, 7)
        }
        assert {key[1][0]: key[0] for key in keys} == best
        shares = [explained(key[0], key[1][0]) for key in keys]
        assert shares == sorted(shares, reverse=True)


def test_the_fit_is_a_minimum_and_its_slopes_are_those_of_autograd() -> None:
    columns, z, weight = _columns()
    made = fitted(columns, z, weight, ((1, 3), (5,)))
    assert made is not None

    def values(numbers: torch.Tensor) -> torch.Tensor:
        return weight * (numbers[:2] @ columns[[1, 3]]) / (1 + numbers[2:] @ columns[[5]])

    torch.testing.assert_close(made.values * weight, values(made.numbers))
    jacobian: Any = torch.autograd.functional.jacobian(values, made.numbers)
    torch.testing.assert_close(made.tangent.T, jacobian)
    rest = z * weight - values(made.numbers)
    assert made.left == pytest.approx(float(rest @ rest))
    slope = (made.tangent @ rest).abs() / (made.tangent.norm(dim=1) * rest.norm())
    assert float(slope.max()) < 1e-3
    torch.testing.assert_close(made.numbers, torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64), rtol=0.1, atol=0)


def test_a_start_with_a_pole_is_none() -> None:
    columns, z, weight = _columns()
    assert fitted(columns, z, weight, ((1,), (5,)), torch.tensor([1.0, -1.0], dtype=torch.float64)) is None
