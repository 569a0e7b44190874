"""auto_symbolic: from a trained network to its formula."""

from __future__ import annotations

import math

import pytest
import sympy
import torch

from ascribe.errors import InputError, PoorFormulaWarning
from ascribe.kan import KAN
from ascribe.kan.symbolic.auto import Reading, auto_symbolic
from ascribe.kan.symbolic.gather import gathered

F64 = torch.float64


def _rows(columns: int, seed: int, rows: int = 400) -> torch.Tensor:
    return 2 * torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=F64) - 1


def _tutorial(seed: int) -> tuple[KAN, torch.Tensor, torch.Tensor]:
    x = _rows(2, seed, 300)
    y = torch.exp(torch.sin(torch.pi * x[:, :1]) + x[:, 1:] ** 2)
    kan = KAN([2, 5, 1], grid=3, seed=seed, dtype=F64)
    kan.fit((x, y), steps=30, lamb=1e-3, progress=False)
    kan = kan.prune()
    kan.fit((x, y), opt="LM", steps=10, progress=False)
    return kan.refine(10), x, y


def test_the_tutorial_ends_in_the_exact_formula() -> None:
    kan, x, y = _tutorial(1)
    reading = auto_symbolic(kan, lib=["x", "x^2", "exp", "sin"], verbose=0, dataset=(x, y))
    a, b = sympy.symbols("x_1 x_2")
    assert sympy.simplify(reading.formula - sympy.exp(sympy.sin(sympy.pi * a) + b**2)) == 0
    with torch.no_grad():
        assert float((kan(x) - y).square().mean()) < 1e-20
    assert not reading.left
    assert {choice.function for choice in reading.choices} == {"exp", "sin", "x^2"}
    assert all(kan.mode(*choice.edge) == "s" for choice in reading.choices)


def _trained() -> tuple[KAN, torch.Tensor, torch.Tensor]:
    x = _rows(2, 0)
    y = torch.stack([torch.sin(3 * x[:, 0]) + x[:, 1], x[:, 0] ** 2], 1)
    kan = KAN([2, 2], grid=8, dtype=F64)
    kan.fit((x, y), opt="LM", steps=6, progress=False)
    return kan, x, y


def test_every_output_has_its_table() -> None:
    kan, x, y = _trained()
    reading = auto_symbolic(kan, lib=["x", "x^2", "sin"], verbose=0, dataset=(x, y))
    a, b = sympy.symbols("x_1 x_2")
    assert [t.best.expression for t in reading.tables] == [sympy.sin(3 * a) + b, a**2]
    with pytest.raises(InputError, match="2 outputs"):
        _ = reading.formula


def test_an_edge_below_the_threshold_stays_as_it_was() -> None:
    kan, x, _ = _trained()
    before = kan(x).detach()
    reading = auto_symbolic(kan, lib=["x"], verbose=0, r2_threshold=0.999)
    # A line is right for one edge of four, and for the one that does nothing, if it does so to rounding.
    assert (0, 0, 0) in reading.left
    assert (0, 0, 1) in reading.left
    assert not reading.tables
    for edge in reading.left:
        assert kan.mode(*edge) == "n"
    assert float((kan(x).detach() - before).abs().max()) < 1e-3
    with pytest.raises(InputError, match="still splines"):
        _ = reading.formula


@pytest.mark.parametrize("least", [0.5, 0.0])
def test_tables_have_no_formulas_without_values(least: float) -> None:
    """1/x has none where its edge is made nothing, nor at 0."""
    kan = KAN([1, 1, 1], dtype=F64)
    kan.fix(0, 0, 0, "x", (1, 0, 1, 0))
    kan.fix(1, 0, 0, "1/x", (1, 0, 1, 0))
    x = torch.linspace(0.5, 2, 40, dtype=F64)[:, None]
    held = torch.linspace(least, 2, 10, dtype=F64)[:, None]
    reading = Reading((), (), kan, (x, 1 / x), (held, 1 / (held + 0.1)), 1e-16)
    assert all(math.isfinite(error) for error in reading.table.error)


def test_a_formula_that_loses_what_the_splines_knew_is_warned_of() -> None:
    x = _rows(1, 0)
    y = (9 * x).sin().abs()
    kan = KAN([1, 1], grid=40, dtype=F64)
    kan.fit((x, y), opt="LM", steps=5, progress=False)
    with pytest.warns(PoorFormulaWarning, match=r"splines 9.*edges \(0, 0, 0\) as .* fit worst"):
        auto_symbolic(kan, lib=["x", "x^2", "exp"], verbose=0)
    back = kan.rewind("0.1")
    assert auto_symbolic(back, lib=["x", "x^2", "exp"], verbose=0, r2_threshold=0.9).left == ((0, 0, 0),)


def test_what_is_symbolic_already_stays_and_the_version_can_be_taken_back() -> None:
    kan, x, y = _trained()
    kan.fix_symbolic(0, 0, 0, "sin")
    before = kan(x).detach()
    reading = auto_symbolic(kan, lib=["x", "x^2"], verbose=0, dataset=(x, y))
    assert isinstance(reading, Reading)
    assert (0, 0, 0) not in {choice.edge for choice in reading.choices}
    assert kan.layers[0].symbolic.names.count("sin") == 1
    assert before.shape == kan(x).shape


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_a_dataset_the_labels_of_the_last_fit_serve(dtype: torch.dtype) -> None:
    x = _rows(2, 0, 500).to(dtype)
    y = torch.exp(torch.sin(torch.pi * x[:, :1]) + x[:, 1:] ** 2)
    kan = KAN([2, 1, 1], grid=5, seed=0, dtype=dtype)
    kan.fit((x, y), steps=20, progress=False)
    reading = auto_symbolic(kan, lib=["x^2", "exp", "sin", "sinh", "tanh"], verbose=0)
    a, b = sympy.symbols("x_1 x_2")
    assert sympy.simplify(reading.formula - sympy.exp(sympy.sin(sympy.pi * a) + b**2)) == 0


def test_too_few_rows_are_refused() -> None:
    kan = KAN([1, 1], dtype=F64)
    kan(_rows(1, 0, 2))
    with pytest.raises(InputError, match="2 rows"):
        auto_symbolic(kan, verbose=0)


def test_without_data_there_is_nothing_to_read() -> None:
    with pytest.raises(InputError):
        auto_symbolic(KAN([2, 1], dtype=F64), verbose=0)


def test_gathering_keeps_the_values() -> None:
    x, y = sympy.symbols("x y", positive=True)
    for expression in (
        3.0 * (2.0 * x + 4.0) ** 2.5 + 1e-17,
        sympy.log(0.5 * x + 2.0 * y) * 1.5,
        sympy.sqrt(4.0 * x**2 + 4.0 * y**2 + 1e-16 * x),
        sympy.exp(1.2 * (0.9 * x - 1e-18) ** 2 + sympy.sin(3.1 * y - 2e-17)),
    ):
        at = {x: 0.7, y: 1.3}
        assert abs(float((gathered(expression) - expression).subs(at))) < 1e-12
    assert gathered(sympy.sqrt(4.0 * x**2 + 4.0 * y**2 + 1e-16 * x)) == 2.0 * sympy.sqrt(x**2 + y**2)


def test_a_product_of_three_comes_out_plain() -> None:
    """Edges that do nothing gain when others bend a little: 1e6 sin(x / 1e6) is no better than x."""
    x = torch.rand(60, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.5
    kan = KAN([3, [0, 1]], mult_arity=3, dtype=torch.float64)
    kan.fit((x, x.prod(1, keepdim=True)), steps=10, progress=False)
    assert auto_symbolic(kan, verbose=0, lib=["x", "sin", "exp"]).formula == sympy.prod(sympy.symbols("x_1 x_2 x_3"))


def test_inference_mode_reads_the_same_and_spoils_nothing() -> None:
    x = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    kan = KAN([1, 1], dtype=torch.float64)
    with torch.inference_mode():
        read = auto_symbolic(kan, verbose=0, lib="x^2", dataset=(x.clone(), x.square()))
        assert read.formula == sympy.Symbol("x_1") ** 2
    kan.fit((x, x.square()), steps=1, progress=False)


def test_a_weight_is_a_share() -> None:
    x = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    for weight in (float("nan"), -0.1, 1.1):
        with pytest.raises(InputError, match="weight_simple"):
            auto_symbolic(KAN([1, 1], dtype=torch.float64), verbose=0, weight_simple=weight, dataset=(x, x))
