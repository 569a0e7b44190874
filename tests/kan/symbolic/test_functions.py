"""Every function of the library: torch's numbers are sympy's, wherever its domain says that it is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.library import ALIASES, LIBRARY, add_symbolic, function_named

sympy = pytest.importorskip("sympy")

BUILT_IN = sorted(LIBRARY)
PYKANS = {
    "0": 0, "x": 1, "x^2": 2, "x^3": 3, "x^4": 3, "x^5": 3, "1/x": 2, "1/x^2": 2, "1/x^3": 3, "1/x^4": 4, "1/x^5": 5,
    "sqrt": 2, "x^0.5": 2, "x^1.5": 4, "1/sqrt(x)": 2, "1/x^0.5": 2, "exp": 2, "log": 2, "abs": 3, "sin": 2, "cos": 2,
    "tan": 3, "tanh": 3, "sgn": 3, "arcsin": 4, "arccos": 4, "arctan": 4, "arctanh": 4, "gaussian": 3,
}  # fmt: skip


def inside(function: Function) -> torch.Tensor:
    """Numbers of which each is in the domain."""
    points = torch.linspace(-2.95, 2.95, 24, dtype=torch.float64)
    return points[function.domain(points, points)]


@pytest.mark.parametrize("name", BUILT_IN)
def test_torch_is_sympy_inside_the_domain(name: str) -> None:
    function, x = LIBRARY[name], sympy.Symbol("x", real=True)
    points = inside(function)
    assert len(points) >= 6
    found = function.torch(points)
    assert found.shape == points.shape
    assert found.dtype == points.dtype
    assert found.isfinite().all()
    expr = function.sympy(x)
    exact = [float(expr.subs(x, sympy.Float(float(p), 30)).evalf(30)) for p in points]
    torch.testing.assert_close(found, torch.tensor(exact, dtype=torch.float64), rtol=1e-13, atol=1e-15)
    if expr.free_symbols:
        torch.testing.assert_close(evaluate(expr, {"x": points}), found, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", BUILT_IN)
def test_an_interval_of_the_domain_holds_no_hole(name: str) -> None:
    function = LIBRARY[name]
    generator = torch.Generator().manual_seed(0)
    low = 6 * torch.rand(200, dtype=torch.float64, generator=generator) - 3
    high = low + 3 * torch.rand(200, dtype=torch.float64, generator=generator)
    allowed = function.domain(low, high)
    assert allowed.any()
    at = low[allowed] + torch.linspace(0, 1, 301, dtype=torch.float64)[:, None] * (high - low)[allowed]
    values = function.torch(at)
    assert values.isfinite().all()
    # A pole inside would be a jump between huge neighbours of unlike sign.
    before, after = values[:-1], values[1:]
    assert not ((before * after < 0) & (before.abs() > 50) & (after.abs() > 50)).any()


@pytest.mark.parametrize("name", BUILT_IN)
def test_gradients_are_finite_inside(name: str) -> None:
    function = LIBRARY[name]
    points = inside(function)
    points = points[points.abs() > 0.05].requires_grad_()
    (slope,) = torch.autograd.grad(function.torch(points).sum() + 0 * points.sum(), points)
    assert slope.isfinite().all()


@pytest.mark.parametrize(("name", "complexity"), PYKANS.items())
def test_pykans_names_and_complexities(name: str, complexity: float) -> None:
    assert function_named(name).complexity == complexity
    assert name in LIBRARY or name in ALIASES


@pytest.mark.parametrize(
    ("name", "exponent"),
    [("x^2.5", 2.5), ("x^-1.5", -1.5), ("x^(1/3)", 1 / 3), ("x^(-2/3)", -2 / 3), ("1/x^7", -7.0), ("x^0.7", 0.7),
     ("x^3.141592653589793", math.pi), ("x^12", 12.0)],
)  # fmt: skip
def test_every_real_power_has_a_name(name: str, exponent: float) -> None:
    points = torch.linspace(0.3, 2.0, 7, dtype=torch.float64)
    function = function_named(name)
    torch.testing.assert_close(function.torch(points), points**exponent, rtol=1e-14, atol=0.0)
    assert function_named(function.name).name == function.name
    exact = [float(function.sympy(sympy.Float(float(p), 30))) for p in points]
    torch.testing.assert_close(function.torch(points), torch.tensor(exact, dtype=torch.float64), rtol=1e-13, atol=0.0)


def test_an_unknown_name_gets_its_neighbours() -> None:
    with pytest.raises(InputError, match="tanh"):
        function_named("tanhh")


@pytest.mark.parametrize(
    ("name", "fun", "c", "said"),
    [
        ("", torch.sin, 1, "is no name"),
        ("sin", torch.sin, 1, "named 'sin' already"),
        ("x^7", torch.sin, 1, r"named 'x\^7' already"),
        # sympy's function of that name would be evaluated in its place.
        ("floor", torch.sin, 1, "named 'floor' already"),
        ("own", torch.sin, float("nan"), "is no complexity"),
        ("own", lambda u: u - u.mean(), 1, "entry by entry"),
        ("own", lambda u: u.sum(), 1, "entry by entry"),
        ("own", np.sin, 1, "numpy"),
        ("own", lambda u: u.float(), 1, "same shape and dtype"),
        ("own", lambda u: 1 / 0, 1, "division by zero"),
    ],
)
def test_what_cannot_be_added_is_said(name: str, fun: Callable[[torch.Tensor], torch.Tensor], c: float, said: str):
    with pytest.raises(InputError, match=said):
        add_symbolic(name, fun, c)
    assert "own" not in LIBRARY


@pytest.mark.parametrize("name", ["x^(1/0)", "x^1e400", "x^0", "1/x^1e-400"])
def test_powers_without_an_exponent_are_none(name: str):
    with pytest.raises(InputError, match="no function is named"):
        function_named(name)
