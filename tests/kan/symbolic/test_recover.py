"""From data to a formula: exact where the data are."""

from __future__ import annotations

import itertools
import math

import pytest
import sympy
import torch

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.feynman import get_feynman_dataset
from ascribe.kan.symbolic.discovery import Discovery, discover
from ascribe.kan.symbolic.discovery.batch import Batch
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.columns import library_of, products
from ascribe.kan.symbolic.discovery.reduction import reduced
from ascribe.kan.symbolic.discovery.starts import PORTFOLIO, SUM, Prior, drawn
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.exact import exact_number
from ascribe.kan.symbolic.pareto import Candidate, Pareto


def _draw(ranges: list[tuple[float, float]], rows: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    low, high = torch.tensor(ranges, dtype=torch.float64).T
    return low + (high - low) * torch.rand(rows, len(low), generator=generator, dtype=torch.float64)


def _found(problem: int, seed: int = 0, seconds: float = 200.0) -> tuple[Discovery, sympy.Expr]:
    symbols, expression, f, ranges = get_feynman_dataset(problem)
    x = _draw(ranges, 600, seed)
    return discover(x, f(x), [str(s) for s in symbols], seconds=seconds, seed=seed), expression


@pytest.mark.parametrize("seed", range(2))
def test_the_tutorials_formula_is_found_exactly(seed: int) -> None:
    x = _draw([(-1.0, 1.0)] * 2, 1000, seed)
    y = torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)
    found = discover(x, y, names=["x", "y"], seed=seed)
    a, b = sympy.symbols("x y")
    assert sympy.simplify(found.formula - sympy.exp(sympy.sin(sympy.pi * a) + b**2)) == 0
    fresh = _draw([(-1.0, 1.0)] * 2, 500, seed + 100)
    truth = torch.exp(torch.sin(torch.pi * fresh[:, 0]) + fresh[:, 1] ** 2)
    assert float((found(fresh) - truth).square().mean()) < 1e-20
    assert float((found.kan()(fresh)[:, 0].detach() - truth).square().mean()) < 1e-20


@pytest.mark.parametrize("seed", range(10))
def test_a_trained_network_is_read_exactly_from_every_seed(seed: int) -> None:
    x = _draw([(-1.0, 1.0)] * 2, 1000, seed)
    y = torch.exp(torch.sin(torch.pi * x[:, :1]) + x[:, 1:] ** 2)
    kan = KAN([2, 5, 1], grid=3, seed=seed, dtype=torch.float64)
    kan.fit((x, y), steps=30, lamb=1e-3, progress=False)
    kan = kan.prune()
    kan.fit((x, y), opt="LM", steps=10, progress=False)
    a, b = sympy.symbols("x_1 x_2")
    reading = kan.auto_symbolic(verbose=0)
    assert sympy.simplify(reading.formula - sympy.exp(sympy.sin(sympy.pi * a) + b**2)) == 0
    with torch.no_grad():
        assert float((kan(x) - y).square().mean()) < 1e-20


# A root of a quotient, an outer function of a pair, a wave of a difference.
@pytest.mark.parametrize("problem", [17, 86, 109])
def test_formulas_of_physics_are_found_exactly(problem: int) -> None:
    found, expression = _found(problem)
    assert found.exact
    positive = {s: sympy.Symbol(s.name, positive=True) for s in expression.free_symbols}
    assert sympy.simplify((found.formula - expression).xreplace(positive)) == 0


def test_the_same_seed_finds_the_same() -> None:
    first, second = (_found(6, seed=3)[0] for _ in range(2))
    assert first.table.formula == second.table.formula


def test_noise_gives_a_front_of_approximations() -> None:
    x = _draw([(0.5, 2.0), (-1.0, 1.0)], 400, 0)
    noise = torch.randn(400, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = discover(x, x[:, 0] * x[:, 1] + 0.01 * noise, seconds=4.0)
    assert not found.exact
    assert list(found.table.complexity) == sorted(found.table.complexity)
    assert list(found.table.error) == sorted(found.table.error, reverse=True)
    fresh = _draw([(0.5, 2.0), (-1.0, 1.0)], 400, 1)
    assert float((found(fresh) - fresh[:, 0] * fresh[:, 1]).abs().max()) < 0.01


def test_columns_that_do_not_count_are_left_out() -> None:
    x = _draw([(0.5, 2.0)] * 3, 300, 0)
    x[:, 1] = 4.0
    found = discover(x, 3 * x[:, 2] ** 2, names=["a", "b", "c"])
    assert found.formula == 3 * sympy.Symbol("c") ** 2
    assert discover(x, torch.full((300,), 2.5)).formula == 2.5


def test_among_many_columns_the_law_is_found() -> None:
    x = _draw([(0.5, 2.0)] * 9, 600, 0)
    found = discover(x, x[:, 0] * x[:, 1] / (x[:, 2] + x[:, 3]), list("abcdefghi"), seconds=200.0)
    a, b, c, d = sympy.symbols("a b c d")
    assert sympy.simplify(found.formula - a * b / (c + d)) == 0


@pytest.mark.parametrize("limit", [7, 500])
def test_the_cheapest_products_are_the_first_of_all(limit: int) -> None:
    x = _draw([(0.5, 2.0)] * 3, 5, 0).T
    families = [library_of(values, sympy.Symbol(name)) for values, name in zip(x, "abc", strict=True)]
    every = sorted(itertools.product(*families), key=lambda chosen: sum(column.cost for column in chosen))
    wanted = [math.prod((column.values for column in chosen), start=torch.ones(5)) for chosen in every[:limit]]
    torch.testing.assert_close(torch.stack([made.values for made in products(families, limit)]), torch.stack(wanted))


def test_data_that_cannot_be_searched_are_refused() -> None:
    x = torch.rand(50, 2, dtype=torch.float64)
    with pytest.raises(InputError, match="NaN"):
        discover(x, torch.full((50,), torch.nan))
    with pytest.raises(InputError, match="rows"):
        discover(x, torch.zeros(49))
    with pytest.raises(InputError, match="20"):
        discover(x[:10], torch.zeros(10))
    with pytest.raises(InputError, match="names"):
        discover(x, x[:, 0], names=["a", "a"])
    with pytest.raises(InputError, match="complex"):
        discover(x, x[:, 0] * 1j)
    for scale in (1e150, 1e-150):
        with pytest.raises(InputError, match="rescale"):
            discover(x, scale * x[:, 0])
    with pytest.raises(InputError, match=r"x holds what is no number.*'red'"):
        discover([["red", 1.0]] * 50, x[:, 0])
    with pytest.raises(InputError, match=r"\(rows, 2\): x_1, x_2"):
        discover(x, x[:, 0])(x[:, :1])


def test_a_formula_is_found_in_inference_mode() -> None:
    with torch.inference_mode():
        x = _draw([(0.5, 2.0)] * 2, 100, 0)
        found = discover(x, x[:, 0] * x[:, 1], names=["a", "b"])
    assert str(found.formula) == "a*b"


def test_data_may_be_arrays_and_lists() -> None:
    x = _draw([(0.5, 2.0)] * 2, 100, 0).numpy()
    x.flags.writeable = False  # as a frame's columns may be
    found = discover(x, (2 * x[:, 0]).tolist())
    assert found.formula == 2 * sympy.Symbol("x_1")
    assert found(x).tolist() == (2 * x[:, 0]).tolist()
    assert discover([[1.0]] * 20, list(range(20))).table.complexity == (1,)


def test_variables_are_taken_together_as_the_data_ask() -> None:
    x = _draw([(0.5, 2.0)] * 3, 600, 0)
    a, b, c = sympy.symbols("a b c")
    branch = reduced(Branch.of(x.T, x[:, 0] / (1 + (x[:, 1] - x[:, 2]) ** 2), [a, b, c]))
    assert branch.factor == a
    assert branch.variables in (((b - c),), ((c - b),))


@pytest.mark.parametrize("portfolio", [*PORTFOLIO, SUM])
def test_the_slopes_of_a_batch_are_those_of_its_values(portfolio: object) -> None:
    x = _draw([(0.5, 1.5)] * 3, 5, 0).T
    batch = drawn(portfolio, 3, Prior(x, 0)).take(torch.arange(40))  # type: ignore[arg-type]
    values, slopes = batch(x)
    step = 1e-6
    for number in range(batch.vector.shape[1]):
        moved = torch.zeros_like(batch.vector)
        moved[:, number] = step
        up, down = batch.at(batch.vector + moved)(x)[0], batch.at(batch.vector - moved)(x)[0]
        sound = (values.isfinite() & up.isfinite() & down.isfinite() & (values.abs() < 1e2)).all(1)
        assert sound.any()
        size = 1 + slopes[sound].abs().amax(dim=(1, 2))[:, None]
        assert float((((up - down)[sound] / (2 * step) - slopes[sound, number]) / size).abs().max()) < 1e-5
    assert isinstance(batch, Batch)


@pytest.mark.parametrize(
    "number",
    [
        sympy.Rational(3, 20) / sympy.pi,
        sympy.sqrt(2) / 2,
        -(sympy.pi**2),
        1 / sympy.sqrt(2 * sympy.pi),
        sympy.Integer(0),
    ],
)
def test_numbers_in_disguise_are_seen(number: sympy.Expr) -> None:
    assert exact_number(float(number)) == number


def test_other_numbers_stay() -> None:
    draws = torch.rand(300, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert not any(exact_number(value) for value in draws.tolist())


def test_a_front_keeps_what_no_other_beats() -> None:
    x = sympy.Symbol("x")
    given = [Candidate(x, c, e, "") for c, e in [(1, 0.5), (3, 0.6), (4, 1e-3), (9, 1e-16), (12, 1e-17)]]
    table = Pareto.of(given, 100)
    assert table.complexity == (1, 4, 9)
    assert table.best.complexity == 9
    assert str(table).count("->") == 1


def test_a_table_shows_four_digits_of_decimals_wherever_they_stand_and_exact_numbers_as_they_are() -> None:
    x = sympy.Symbol("x")
    inexact = 0.123456789 * sympy.exp(-0.20529416 * x - 0.3642678 / x) + x / 3 + sympy.pi
    assert str(Pareto.of([Candidate(inexact, 1, 0.1, "")], 100)).endswith("x/3 + 0.1235*exp(-0.2053*x - 0.3643/x) + pi")


def test_the_values_agree_with_the_formula_at_every_step() -> None:
    found, _ = _found(6)
    x = _draw([(0.5, 0.9), (0.1, 0.5), (1.2, 1.9)], 20, 0)
    named = dict(zip(found.names, x.T, strict=True))
    torch.testing.assert_close(found(x), evaluate(found.formula, named), rtol=0, atol=0)
