"""Formulas in: a text becomes the network that computes it."""

from __future__ import annotations

import pytest
import sympy
import torch

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.symbolic.library import LIBRARY, add_symbolic

f64 = torch.float64


def test_text_names_its_columns_in_order():
    x = torch.rand(20, 3, dtype=f64)
    kan = KAN.from_formula("b*sin(pi*a) + c^2.5", dtype=f64)
    assert kan.names == ["a", "b", "c"]
    assert torch.allclose(kan(x)[:, 0], x[:, 1] * torch.sin(torch.pi * x[:, 0]) + x[:, 2] ** 2.5, rtol=1e-14)
    kan = KAN.from_formula("b*sin(pi*a)", variables=["b", "pi", "a"], dtype=f64)
    assert torch.allclose(kan(x)[:, 0], x[:, 0] * torch.sin(x[:, 1] * x[:, 2]), rtol=1e-14)


def test_several_and_constant_formulas_and_expressions():
    t = sympy.Symbol("t")
    assert KAN.from_formula(["x + y", "x*y", "2"]).width[-1] == [3, 0]
    assert KAN.from_formula(["x"]).width == KAN.from_formula("x").width == [[1, 0], [1, 0]]
    assert KAN.from_formula("pi")(torch.zeros(2, 1)).tolist() == [[pytest.approx(torch.pi)]] * 2
    assert KAN.from_formula(sympy.exp(t), grid=9).grid == [9]


@pytest.mark.parametrize(
    "text", ["b*sin(pi*a) + c^2.5", "max(a, b*c) + exp(a*b) - 1", "atan2(a, b - 1)", "2^a*b^c/(1 + relu(a - b))"]
)
def test_a_formula_goes_in_and_comes_out_and_in(text: str):
    x = torch.rand(50, 3, dtype=f64, generator=torch.Generator().manual_seed(0))
    kan = KAN.from_formula(text, ["a", "b", "c"], dtype=f64)
    read = kan.symbolic_formula(x=x)
    again, spelt = KAN.from_formula(read, dtype=f64), KAN.from_formula(read.text(), kan.names, dtype=f64)
    assert again.names == kan.names
    assert torch.allclose(again(x), kan(x), rtol=1e-13)
    assert torch.allclose(spelt(x), kan(x), rtol=1e-12)


@pytest.mark.parametrize("edge", ["bspline", "chebyshev", "fourier", "rational", "rbf", "wavelet"])
@pytest.mark.parametrize(("k", "extrapolate"), [(0, "linear"), (1, "linear"), (3, "linear"), (3, "zero")])
def test_curves_of_one_layer_go_out_and_in(edge: str, k: int, extrapolate: str):
    """On the breaks too, where a cell ends and the next one begins."""
    kan = KAN([2, 2], grid=4, k=k, seed=1, edge=edge, extrapolate=extrapolate, dtype=f64)
    noise = torch.randn(kan.layers[0].coef.shape, generator=torch.Generator().manual_seed(0), dtype=f64)
    kan.layers[0].coef.data += noise
    again = KAN.from_formula(kan.symbolic_formula(splines="piecewise"), dtype=f64)
    x = torch.linspace(-2, 2, 65, dtype=f64)[:, None].repeat(1, 2)
    with torch.no_grad():
        assert torch.allclose(again(x), kan(x), rtol=0, atol=1e-13 * float(kan(x).abs().max()))


def test_pieces_of_several_layers_are_refused():
    kan = KAN([1, 1, 1], seed=0, dtype=f64)
    with pytest.raises(InputError, match="as that of several layers, is not compiled"):
        KAN.from_formula(kan.symbolic_formula(splines="piecewise"))


def test_pi_has_two_names_unless_a_column_has_them():
    x = torch.tensor([[0.5, 2.0]], dtype=f64)
    assert torch.equal(
        KAN.from_formula("cos(π*x)", dtype=f64)(x[:, :1]), KAN.from_formula("cos(pi*x)", dtype=f64)(x[:, :1])
    )
    assert KAN.from_formula("π*x", ["π", "x"], dtype=f64)(x).item() == 1.0


def test_functions_that_users_add_are_known():
    add_symbolic("softening", lambda u: u / (1 + u.abs()))
    try:
        x = torch.linspace(-2, 2, 9, dtype=f64)[:, None]
        kan = KAN.from_formula("softening(2*x) + 1", dtype=f64)
        assert torch.equal(kan(x), 2 * x / (1 + 2 * x.abs()) + 1)
        assert torch.equal(KAN.from_formula(kan.symbolic_formula(x=x), dtype=f64)(x), kan(x))
    finally:
        del LIBRARY["softening"]


@pytest.mark.parametrize("formula", ["__import__('os').system('true')", "x.__class__", "open(x)", "lambda: x", 3j])
def test_nothing_is_run(formula: object):
    with pytest.raises(InputError):
        KAN.from_formula(formula)
