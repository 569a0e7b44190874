"""From noisy data to a formula: the law where the data tell it, the constant where they tell nothing, in good time."""

from __future__ import annotations

import pytest
import sympy
import torch

from ascribe.kan.symbolic.discovery import Discovery, discover
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.inverses import inner_values
from ascribe.kan.symbolic.discovery.smooth import is_noise
from ascribe.kan.symbolic.evaluate import evaluate

A, B, C = sympy.symbols("a b c")
# The search ends by itself, long before.
SECONDS = 900.0


def _draw(columns: int, rows: int, seed: int, low: float = 0.5, high: float = 2.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(rows, columns, generator=generator, dtype=torch.float64)


def _noise(rows: int, seed: int) -> torch.Tensor:
    return torch.randn(rows, generator=torch.Generator().manual_seed(1000 + seed), dtype=torch.float64)


def _noisy(law: sympy.Expr, x: torch.Tensor, share: float, seed: int) -> torch.Tensor:
    y = evaluate(law, dict(zip("abc", x.T, strict=False)))
    return y + share * y.std() * _noise(len(y), seed)


def _found(law: sympy.Expr, share: float, seed: int, columns: int = 3) -> Discovery:
    x = _draw(columns, 300, seed)
    return discover(x, _noisy(law, x, share, seed), list("abcde"[:columns]), seconds=SECONDS, seed=seed)


# A sum, a root, a quotient; in several columns that say nothing.
LAWS = [(A * sympy.sin(B) + C**2, 0.01, 3), (sympy.sqrt(A**2 + B**2) / C, 0.01, 3), (A * B / (B + C), 0.01, 3),
        (A * B / C**2, 0.1, 5)]  # fmt: skip


@pytest.mark.parametrize(("seed", "law"), list(enumerate(LAWS)), ids=str)
def test_a_law_is_found_in_noise_and_in_good_time(seed: int, law: tuple[sympy.Expr, float, int]) -> None:
    expression, share, columns = law
    found = _found(expression, share, seed, columns)
    # The columns are positive, so roots of quotients are quotients of roots.
    assert sympy.simplify(sympy.posify(found.formula - expression)[0]) == 0
    assert not found.exact
    assert found.table.best.error == pytest.approx(share, rel=0.3)
    assert found.seconds < SECONDS / 2


def test_a_constant_that_is_not_simple_comes_with_its_standard_error() -> None:
    x = _draw(2, 200, 0)
    product = x[:, 0] * x[:, 1]
    found = discover(x, 0.3717 * product + 0.01 * _noise(200, 0), ["a", "b"], seconds=SECONDS)
    ((constant, deviation),) = found.deviations.items()
    assert found.formula == sympy.Float(constant) * A * B
    assert deviation == pytest.approx(0.01 / float(product.norm()), rel=0.1)
    assert abs(constant - 0.3717) < 4 * deviation
    assert f"{constant:.4g} ± {deviation:.1g}" in str(found)


@pytest.mark.parametrize("seed", range(2))
def test_noise_alone_gives_a_constant(seed: int) -> None:
    x = _draw(3, 200, seed)
    found = discover(x, 2.5 + _noise(200, seed), seconds=SECONDS, seed=seed)
    assert found.formula.is_number
    assert abs(float(found.formula) - 2.5) < 4 / 200**0.5
    assert found.seconds < SECONDS / 2


def test_the_same_seed_gives_the_same_bits_in_noise() -> None:
    first, second = (_found(A * B, 0.05, 3, columns=2) for _ in range(2))
    assert first.table == second.table
    assert first.deviations == second.deviations


def test_of_a_column_that_stands_twice_one_is_taken() -> None:
    x = _draw(2, 400, 0)
    y = _noisy(A * B**2, x, 0.02, 0)
    found = discover(torch.cat([x, x[:, :1]], 1), y, ["a", "b", "c"], seconds=SECONDS)
    assert sympy.simplify(found.formula.xreplace({C: A}) - A * B**2) == 0


def test_gross_errors_count_as_noise() -> None:
    x = _draw(2, 400, 0)
    y = _noisy(A * B**2, x, 0.01, 0)
    y[::40] += 2 * y.std()
    found = discover(x, y, ["a", "b"], seconds=SECONDS)
    fresh = _draw(2, 500, 1)
    wanted = fresh[:, 0] * fresh[:, 1] ** 2
    assert float((found(fresh) - wanted).square().mean().sqrt() / wanted.std()) < 0.05
    assert found.table.best.error > 0.05


def test_noise_is_seldom_taken_for_more_and_a_rest_of_a_law_seldom_for_noise() -> None:
    x = _draw(3, 800, 0).T
    draws = [_noise(800, seed) for seed in range(100)]
    assert sum(is_noise(x, draw) for draw in draws) >= 95
    hidden = torch.sin(2 * x[0]) * x[1]
    hidden = 0.3 * (hidden - hidden.mean()) / hidden.std()
    assert not any(is_noise(x, draw + hidden) for draw in draws)
    # Too fast for polynomials; the same rows come twice.
    fast = torch.sin(1e4 * x[0, :400]).repeat(2)
    assert not any(is_noise(x[:, :400].repeat(1, 2), draw + fast) for draw in draws)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1])
def test_the_noise_is_measured_where_polynomials_follow_the_law(share: float) -> None:
    x = _draw(2, 800, 0)
    y = _noisy(A * sympy.exp(-B), x, share, 0)
    branch = Branch.of(x.T, y, [A, B])
    assert branch.noise == pytest.approx(share * float(y.std()), rel=0.1)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_outer_functions_undo_their_inverses_and_know_their_slopes(noise: float) -> None:
    z = sympy.Symbol("z", positive=True)
    y = torch.linspace(0.2, 1.4, 50, dtype=torch.float64)
    every = list(inner_values(y, noise))
    assert len(every) == 9
    for inner in every:
        formula = inner.outer(z)
        torch.testing.assert_close(evaluate(formula, {"z": inner.values}), y)
        slope = evaluate(sympy.diff(formula, z), {"z": inner.values}).abs()
        torch.testing.assert_close(inner.slope, slope)
