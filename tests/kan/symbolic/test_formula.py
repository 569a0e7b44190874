"""The formula is the network: exactly, for sums, products of any arity, affines, names and columns left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from ascribe.errors import InputError
from ascribe.kan.network import KAN
from ascribe.kan.symbolic.formula import Formula, symbolic_formula
from ascribe.kan.symbolic.library import LIBRARY, add_symbolic
from ascribe.kan.symbolic.parse import parse
from ascribe.maths.families import FAMILIES
from ascribe.maths.kernels.base import BASES

sympy = pytest.importorskip("sympy")

NAMES = sorted(LIBRARY)
# Numbers that keep u = a x + b, for x in (0, 1), inside the domain of every function that has one.
INSIDE = {"arccosh": (0.5, 1.1), "csc": (0.5, 0.3), "cot": (0.5, 0.3)}


def symbolic_network(seed: int, width=(2, [2, 2], 2), arity=3) -> KAN:
    """Every edge a function of the library, with affines on subnodes and nodes."""
    draw = torch.Generator().manual_seed(seed)
    kan = KAN(list(width), mult_arity=arity, dtype=torch.float64)
    smooth = ["x", "x^2", "sin", "tanh", "gaussian", "cosh", "abs", "arctan"]
    for l, layer in enumerate(kan.layers):
        for i in range(layer.in_dim):
            for j in range(layer.out_dim):
                name = smooth[int(torch.randint(len(smooth), (), generator=draw))]
                kan.fix(l, i, j, name, torch.randn(4, dtype=torch.float64, generator=draw))
    for affine in (kan.subnode_scale, kan.subnode_bias, kan.node_scale, kan.node_bias):
        for each in affine:
            each.data = torch.randn(each.shape, dtype=torch.float64, generator=draw)
    return kan


def rows(columns: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(40, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(3))
def test_it_equals_the_network(seed: int) -> None:
    kan = symbolic_network(seed)
    x = rows(2)
    formula = symbolic_formula(kan, x=x)
    largest = float(kan(x).detach().abs().max())
    assert formula.check is not None
    assert formula.check <= 1e-12 * max(1.0, largest)
    torch.testing.assert_close(formula(x), kan(x).detach(), rtol=1e-12, atol=1e-12 * largest)
    expressions, variables = formula
    assert (len(expressions), variables) == (2, list(sympy.symbols("x_1 x_2")))
    # sympy's own numbers, not ours.
    at = dict(zip(variables, map(float, x[0]), strict=True))
    for expression, wanted in zip(expressions, kan(x[:1])[0].tolist(), strict=True):
        assert float(expression.subs(at)) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_every_function_comes_through(name: str) -> None:
    kan = KAN([1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, name, (*INSIDE.get(name, (0.5, 0.25)), 1.5, -0.5))
    formula = symbolic_formula(kan, x=rows(1))
    assert formula.check is not None
    assert formula.check < 1e-13
    arrays = rows(1).numpy()
    wanted = kan(rows(1)).detach()
    found = run(formula.python())["formula"](arrays[:, 0])
    np.testing.assert_allclose(np.broadcast_to(found, 40), wanted[:, 0].numpy(), rtol=1e-12, atol=1e-13)
    module = run(formula.pytorch())["Formula"]()
    torch.testing.assert_close(module(rows(1)), wanted, rtol=1e-12, atol=1e-13)


def run(source: str) -> dict:
    """What the source defines; only a test may do so."""
    space: dict = {}
    exec(source, space)
    return space


@pytest.mark.parametrize("seed", range(2))
def test_sources_compute_the_same(seed: int) -> None:
    kan = symbolic_network(seed)
    x = rows(2)
    formula = symbolic_formula(kan, var=["price of x; import os", "lambda"], x=x)
    found = run(formula.python("f"))["f"](*x.numpy().T)
    np.testing.assert_allclose(np.stack(found, 1), kan(x).detach().numpy(), rtol=1e-11, atol=1e-11)
    module = run(formula.pytorch("Law"))["Law"]()
    assert isinstance(module, nn.Module)
    torch.testing.assert_close(module(x[None]), kan(x[None]).detach(), rtol=1e-11, atol=1e-11)
    for source in (formula.python(), formula.pytorch()):
        assert not any(";" in line.split("#")[0] for line in source.splitlines())


def test_normalizers_give_formulas_in_the_users_units() -> None:
    kan = symbolic_network(5)
    x = rows(2)
    mean, std = [3.0, -1.0], [2.0, 0.5]
    formula = symbolic_formula(kan, normalizer=[mean, std], output_normalizer=[[10.0, 0.0], [3.0, 1.0]], x=x)
    raw = x * torch.tensor(std, dtype=torch.float64) + torch.tensor(mean, dtype=torch.float64)
    wanted = kan(x).detach() * torch.tensor([3.0, 1.0]) + torch.tensor([10.0, 0.0])
    torch.testing.assert_close(formula(raw), wanted, rtol=1e-9, atol=1e-9)
    assert formula.check is not None
    assert formula.check < 1e-9


def test_names_and_columns_left_out() -> None:
    kan = KAN([3, 1], dtype=torch.float64)
    kan.names = ["width", "height", "age"]
    for i in range(3):
        kan.fix(0, i, 0, "x", (i + 1.0, 0, 1, 0))
    smaller = kan.prune_input(active_inputs=[0, 2], x=rows(3))
    (expression,), variables = symbolic_formula(smaller, x=rows(3))
    assert [v.name for v in variables] == ["width", "height", "age"]
    assert {v.name for v in expression.free_symbols} == {"width", "age"}
    assert symbolic_formula(smaller, var=["a", "b", "c"], x=rows(3)).check < 1e-12


def test_edges_that_are_not_there_leave_nothing() -> None:
    kan = KAN([2, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, "sin", (1, 0, 1, 0))
    kan.fix(0, 1, 0, "x^2", (1, 0, 1, 0))
    kan.layers[0].remove(1, 0)
    (expression,), _ = symbolic_formula(kan)
    assert expression == sympy.sin(sympy.Symbol("x_1"))
    kan.layers[0].remove(0, 0)
    assert symbolic_formula(kan).expressions == (0,)
    assert symbolic_formula(kan, x=rows(2)).check == 0


def test_splines_are_named_or_written_out() -> None:
    kan = symbolic_network(1)
    kan.unfix(0, 1, 0)
    kan.unfix(1, 0, 1)
    with pytest.raises(InputError, match=r"\(0, 1, 0\), \(1, 0, 1\): these edges"):
        symbolic_formula(kan)


def numeric_network(family: str, width=(2, 1), extrapolate: str = "linear", base: str = "silu") -> KAN:
    kan = KAN(list(width), grid=2, k=2, base_fun=base, extrapolate=extrapolate, edge=family, dtype=torch.float64)
    draw = torch.Generator().manual_seed(1)
    for layer in kan.layers:
        layer.coef.data.normal_(generator=draw)
    return kan


@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
@pytest.mark.parametrize("base", sorted(BASES))
def test_splines_as_piecewise_polynomials(extrapolate: str, base: str) -> None:
    kan = numeric_network("bspline", (2, 1) if base == "silu" else (1, 1, 1), extrapolate, base)
    x = 4 * rows(kan.columns) - 2
    formula = symbolic_formula(kan, x=x, splines="piecewise")
    assert formula.check is not None
    assert formula.check < 1e-12


@pytest.mark.parametrize("family", ["bspline", *sorted(FAMILIES)])
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_curves_come_in_their_closed_form_and_as_source(family: str, extrapolate: str) -> None:
    kan = numeric_network(family, (2, [1, 1], 1), extrapolate)
    kan.fix(0, 0, 0, "sin", (1, 0, 1, 0))
    kan.set_mode(0, 0, 0, "ns")
    kan.layers[0].remove(1, 2)
    x = torch.cat([4 * rows(2) - 2, torch.tensor([[-1.0, 1.0], [0.0, -1.0]], dtype=torch.float64)])
    formula = symbolic_formula(kan, var=["a b", "y"], x=x, splines="piecewise" if family == "bspline" else "error")
    wanted = kan(x).detach()
    largest = float(wanted.abs().max())
    assert formula.check is not None
    assert formula.check <= 1e-12 * largest
    short = formula.round(12)
    assert float((short(x) - wanted).abs().max()) <= 1e-9 * largest
    assert "`a b`" in short.text()
    with np.errstate(over="ignore"):
        found = run(formula.python())["formula"](*x.numpy().T)
    np.testing.assert_allclose(found, wanted[:, 0].numpy(), rtol=1e-12, atol=1e-12 * largest)
    torch.testing.assert_close(run(formula.pytorch())["Formula"]()(x), wanted, rtol=1e-12, atol=1e-12 * largest)
    inner = x[:40].requires_grad_()
    slopes = [torch.autograd.grad(function(inner).sum(), inner)[0] for function in (formula, kan)]
    torch.testing.assert_close(*slopes, rtol=1e-11, atol=1e-11 * float(slopes[1].abs().max()))


def test_numbers_that_are_none_are_said() -> None:
    kan = numeric_network("fourier")
    kan.layers[0].coef.data[0, 0, 0] = math.nan
    with pytest.raises(InputError, match="a number of the formula is nan"):
        symbolic_formula(kan)


@pytest.mark.parametrize("family", ["bspline", "fourier"])
def test_where_a_network_would_raise_its_formula_is_no_number(family: str) -> None:
    kan = numeric_network(family, (1, 1), "error")
    x = torch.tensor([[-1.0], [0.3], [1.0]], dtype=torch.float64)
    formula = symbolic_formula(kan, x=x, splines="piecewise")
    assert formula.check is not None
    assert formula.check < 1e-13
    outside = torch.tensor([[-1.01], [1.01]], dtype=torch.float64)
    assert formula(outside).isnan().all()
    assert np.isnan(run(formula.python())["formula"](outside[:, 0].numpy())).all()


def test_curves_of_a_constant() -> None:
    kan = numeric_network("fourier", (1, 1, 1))
    kan.layers[0].remove(0, 0)
    formula = symbolic_formula(kan, x=rows(1))
    assert formula.check is not None
    assert formula.check < 1e-14
    assert not formula.expressions[0].free_symbols


@pytest.mark.parametrize(("family", "cells"), [("chebyshev", 40), ("rational", 30), ("bspline", 250), ("wavelet", 20)])
def test_many_functions_keep_their_digits(family: str, cells: int) -> None:
    kan = KAN([1, 1], grid=cells, edge=family, dtype=torch.float64)
    kan.layers[0].coef.data.normal_(generator=torch.Generator().manual_seed(0))
    x = 2.2 * rows(1) - 1.1
    formula = symbolic_formula(kan, x=x, splines="piecewise")
    largest = float(kan(x).detach().abs().max())
    assert formula.check is not None
    assert formula.check < 1e-11 * largest
    torch.testing.assert_close(run(formula.pytorch())["Formula"]()(x), kan(x).detach(), rtol=0, atol=1e-11 * largest)


def test_a_formula_too_long_to_read_is_source_still() -> None:
    kan = numeric_network("fourier", (2, 4, 4, 1))
    x = 4 * rows(2) - 2
    formula = symbolic_formula(kan, x=x)
    assert formula.check is not None
    assert formula.check < 1e-11
    for written in (formula.text, formula.latex):
        with pytest.raises(InputError, match=r"written out, the formula has [\d,]+ numbers and names; python\(\)"):
            written()
    assert "too many to show" in repr(formula)
    assert formula._repr_latex_() is None
    assert len(formula.python()) < 50_000
    torch.testing.assert_close(run(formula.pytorch())["Formula"]()(x), kan(x).detach(), rtol=1e-11, atol=1e-11)
    with pytest.raises(InputError, match="in pieces"):
        formula.snapped(x, kan(x).detach())


@pytest.mark.parametrize("family", ["bspline", "rbf"])
def test_the_formula_of_one_edge(family: str) -> None:
    kan = numeric_network(family, (2, 2, 1))
    kan.fix(0, 1, 0, "x^2", (2, 0, 1, 0))
    x = 4 * rows(2) - 2
    assert kan.edge_formula(0, 1, 0).check is None
    assert kan.edge_formula(0, 1, 0, x).text() == "4*x**2"
    for place in ((0, 1, 1), (1, 0, 0)):
        formula = kan.edge_formula(*place, x)
        inputs, values = kan.get_fun(*place, x)
        torch.testing.assert_close(formula(inputs[:, None])[:, 0], values, rtol=1e-12, atol=1e-12)
        assert formula.check is not None
        assert formula.check < 1e-12
    kan.layers[0].remove(0, 0)
    assert kan.edge_formula(0, 0, 0).text() == "0"
    with pytest.raises(InputError, match="no edge"):
        kan.edge_formula(0, 5, 0)


@pytest.mark.parametrize(
    ("truth", "dtype"),
    [("sin(3*a) + b**2", torch.float64), ("exp(a) + b**3", torch.float64),
     ("log(a + 2) + sqrt(b + 1.5)", torch.float64), ("sin(3*a) + b**2", torch.float32)],
)  # fmt: skip
def test_a_network_that_was_read_shows_no_rounding_errors(truth: str, dtype: torch.dtype) -> None:
    law, (a, b) = parse(truth, ["a", "b"]), sympy.symbols("a b")
    x = 2 * torch.rand(200, 2, dtype=dtype, generator=torch.Generator().manual_seed(0)) - 1
    kan = KAN([2, 1], dtype=dtype)
    kan.fit((x, Formula((law,), (a, b))(x)), steps=10, progress=False)
    kan.auto_symbolic(verbose=0)
    formula = kan.symbolic_formula(["a", "b"])
    assert parse(formula.text(4), ["a", "b"]) == law
    assert all(abs(number) > 1e-10 for number in formula.expressions[0].atoms(sympy.Float))


def test_gathering_stops_where_the_data_see_a_difference() -> None:
    kan = KAN([1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, "x", (1, 0, 1, 1e-11))
    assert "1.0e-11" in symbolic_formula(kan, x=rows(1)).text()
    assert "1.0e-11" not in symbolic_formula(kan, x=1e6 * rows(1)).text()
    # A large output hides nothing of a small one.
    kan = KAN([2, 2], dtype=torch.float32)
    kan.fix(0, 0, 0, "x", (1, 0, 1e6, 0))
    kan.fix(0, 0, 1, "x", (1, 0, 1, 0))
    kan.fix(0, 1, 1, "x", (1, 0, 1e-5, 0))
    kan.layers[0].remove(1, 0)
    x = rows(2).float() * torch.tensor([1.0, 1e4])
    assert "e-5*x_2" in symbolic_formula(kan, x=x).text(3)


def test_small_rows_show_terms_that_are_nothing_beside_large_ones() -> None:
    kan = KAN([2, 1], dtype=torch.float32)
    kan.fix(0, 0, 0, "exp", (12, 0, 1, 0))
    kan.fix(0, 1, 0, "x", (1, 0, 0.3, 0))
    x = torch.rand(200, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    read = symbolic_formula(kan, x=x)
    assert "0.3*x_2" in read.text(3)
    # What float32 makes of the largest output.
    assert read.check < 1e-6 * float(kan(x).detach().max())


def test_a_row_where_the_formula_is_no_number_hides_nothing_of_others() -> None:
    kan = KAN([3, 2, 1], dtype=torch.float32)
    for l, i, j in ((0, 0, 1), (0, 1, 1), (0, 2, 0)):
        kan.layers[l].remove(i, j)
    kan.fix(0, 0, 0, "x", (1, 0, 1, 1))
    kan.fix(0, 1, 0, "x", (1, 0, 1, -1))
    kan.fix(0, 2, 1, "x", (1, 0, 1, 0))
    kan.fix(1, 0, 0, "sqrt", (1, 0, 1, 0))
    kan.fix(1, 1, 0, "x", (1, 0, 5e-5, 0))
    x = rows(3).abs().float() * torch.tensor([1.0, 1.0, 1e5])
    # 1 - 1e-9 is 1 in float32, and the root that of 0.
    x[0, :2] = torch.tensor([-1e-9, 0.0])
    read = symbolic_formula(kan, x=x)
    assert bool(kan(x).isfinite().all())
    assert read.check == torch.inf
    assert "e-5*x_3" in read.text(3)


def test_two_columns_of_one_name_are_told_apart_or_refused() -> None:
    kan = symbolic_network(0)
    kan.names = ["a", "a"]
    with pytest.raises(InputError, match=r"\['a', 'a'\] does not name 2 columns, each once; pass var"):
        symbolic_formula(kan)
    assert symbolic_formula(kan, var=["a", "b"], x=rows(2)).check < 1e-9


def test_the_check_tells_of_what_differs() -> None:
    kan = KAN([1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, "sin", (3.14159, 0, 1.23456, 0))
    assert symbolic_formula(kan).check is None
    x = rows(1)
    exact, short = symbolic_formula(kan, x=x), symbolic_formula(kan, x=x, digits=2)
    assert exact.check < 1e-15
    assert str(short.expressions[0]) == "1.2*sin(3.1*x_1)"
    assert short.check == pytest.approx(float((short(x) - kan(x).detach()).abs().max()))
    beyond = torch.tensor([[-1.0]], dtype=torch.float64)
    kan.fix(0, 0, 0, "log", (1, 0, 1, 0))
    assert symbolic_formula(kan, x=beyond).check == math.inf


def test_a_function_of_ones_own() -> None:
    add_symbolic("bump", lambda u: torch.exp(-(u**4)))
    try:
        kan = KAN([1, 1], dtype=torch.float64)
        kan.fix(0, 0, 0, "bump", (1, 0, 2, 0))
        formula = symbolic_formula(kan, x=rows(1))
        assert formula.check < 1e-15
        assert str(formula.expressions[0]) == "2*bump(x_1)"
        with pytest.raises(InputError, match="bump"):
            formula.python()
    finally:
        del LIBRARY["bump"]


HOSTILE = ["living area (m²)", 'a"""\nimport os\n', "x\\_{y}%&#$^~"]


def test_names_that_are_no_words_are_quoted_and_break_out_of_nothing() -> None:
    kan = KAN([3, 1], dtype=torch.float64)
    for i in range(3):
        kan.fix(0, i, 0, "x^2", (1, 0, i + 2.0, 0))
    kan.names = HOSTILE
    formula = symbolic_formula(kan, x=rows(3))
    assert "2*`living area (m²)`**2" in formula.text()
    assert "\\text{living area (m²)}" in formula.latex()
    assert "\\text{x\\textbackslash{}\\_\\{y\\}\\%\\&\\#\\$\\textasciicircum{}\\textasciitilde{}}" in formula.latex()
    for source in (formula.python(), formula.pytorch()):
        assert "# x_1: 'living area (m\\xb2)'" in source
        assert not any(line.strip().startswith("import os") for line in source.splitlines())
    found = run(formula.python())["formula"](*rows(3).numpy().T)
    np.testing.assert_allclose(found, kan(rows(3))[:, 0].detach().numpy(), rtol=1e-12)


def test_rounded_numbers_are_the_same_everywhere() -> None:
    kan = KAN([1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, "sin", (1.2345678, -1.96699524, 0.30303030, 0))
    short = symbolic_formula(kan).round(4)
    assert short.text() == "0.303*sin(1.235*x_1 - 1.967)"
    assert "0.303*numpy.sin(1.235*x_1 - 1.967)" in short.python()
    assert "0.303*torch.sin(1.235*x_1 - 1.967)" in short.pytorch()
    assert "0.303 \\sin" in short.latex()


def test_texts() -> None:
    kan = KAN([1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, "sin", (2, 0, 0.123456789, 0))
    formula = symbolic_formula(kan)
    assert formula.text(3) == "0.123*sin(2*x_1)"
    assert "sin" in formula.latex()
    assert formula._repr_latex_().startswith("$")
    assert "not checked" in repr(formula)


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"var": ["a"]}, "does not name 2"), ({"var": ["a", "a"]}, "each once"),
     ({"normalizer": [[0.0], [1.0]]}, "2 columns"),
     ({"normalizer": [[0.0, 0.0], [1.0, 0.0]]}, "no deviation of 0"),
     ({"normalizer": [[0.0, torch.nan], [1.0, 1.0]]}, "one finite number a column"),
     ({"normalizer": [["a", "b"], [1.0, 1.0]]}, "one finite number a column"),
     ({"digits": 0}, "digits=0 leaves nothing"), ({"digits": -1}, "pass 1 or more")],
)  # fmt: skip
def test_what_does_not_fit_is_said(asked: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        symbolic_formula(symbolic_network(0), **asked)
