"""Formulas as torch computes them: equal to sympy's own numbers, over the reals."""

from __future__ import annotations

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan.symbolic.evaluate import UNARY, evaluate

sympy = pytest.importorskip("sympy")
x, y = sympy.symbols("x y")

# Where each function is real that is not so on (0.2, 0.9).
BEYOND_ONE = {"acosh", "acoth", "asec", "acsc"}


def by_sympy(expr, at: dict[str, float]) -> float:
    return float(expr.subs({sympy.Symbol(name): sympy.Float(value, 30) for name, value in at.items()}).evalf(30))


@pytest.mark.parametrize("name", sorted(set(UNARY) - {"Not", "conjugate", "re", "im"}))
def test_every_function_is_sympys(name: str) -> None:
    points = torch.linspace(0.2, 0.9, 5, dtype=torch.float64) + (1.0 if name in BEYOND_ONE else 0.0)
    expr = getattr(sympy, name)(x)
    expected = torch.tensor([by_sympy(expr, {"x": float(p)}) for p in points], dtype=torch.float64)
    torch.testing.assert_close(evaluate(expr, {"x": points}), expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    "expr",
    [
        x**3 - 2 * y / 7 + sympy.pi,
        sympy.sqrt(x) / y ** sympy.Rational(5, 2) + x ** sympy.Float(-1.5) + 2**x + x**y + sympy.sqrt(2) * x,
        sympy.Max(x, y, 0.5) - sympy.Min(x, y) + sympy.atan2(x, y) + sympy.Mod(x, y),
        sympy.Piecewise((x**2, x < y), (sympy.sin(x), sympy.And(x > y, y > 0)), (0, True)),
        sympy.exp(sympy.sin(sympy.pi * x) + y**2) + sympy.exp(sympy.sin(sympy.pi * x)) + sympy.sin(1) * x,
    ],
)
def test_sums_products_powers_and_pieces(expr) -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(9, 2, dtype=torch.float64, generator=generator) + 0.1
    expected = torch.tensor([by_sympy(expr, {"x": float(p), "y": float(q)}) for p, q in points], dtype=torch.float64)
    found = evaluate(expr, {"x": points[:, 0], "y": points[:, 1]})
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-14)


def test_constants_take_shape_and_dtype_of_the_values() -> None:
    found = evaluate(sympy.Rational(1, 3), {"x": torch.zeros(4, dtype=torch.float64)})
    torch.testing.assert_close(found, torch.full((4,), 1 / 3, dtype=torch.float64))
    assert float(evaluate(sympy.pi / 2, {})) == pytest.approx(1.5707963)


def test_nan_where_the_formula_is_not_real() -> None:
    at = {"x": torch.tensor([-1.0, 1.0])}
    for expr in (sympy.log(x), sympy.sqrt(x), x ** sympy.Rational(1, 3), (-8) ** sympy.Rational(1, 3) * x):
        assert evaluate(expr, at)[0].isnan()
    assert not evaluate(sympy.log(x), at)[1].isnan()


def test_each_part_is_computed_once() -> None:
    calls: list[int] = []

    def counted(u: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return u * 2

    f = sympy.Function("f")
    part = f(x) + 1
    expr = part**2 + sympy.sin(part) / part
    found = evaluate(expr, {"x": torch.tensor(1.0)}, {"f": counted})
    assert len(calls) == 1
    torch.testing.assert_close(found, torch.tensor(9.0) + torch.tensor(3.0).sin() / 3)


def test_a_graph_whose_tree_is_huge_and_deep() -> None:
    part = sympy.sin(x)
    for _ in range(60):
        # sympy's own rules would walk the tree.
        part = sympy.Add(sympy.cos(part, evaluate=False), sympy.Mul(part, part, evaluate=False), evaluate=False)
        part = sympy.Pow(part, -1, evaluate=False)
    assert evaluate(part, {"x": torch.tensor([0.1, 0.2])}).isfinite().all()


def test_gradients_flow() -> None:
    at = torch.tensor([0.3, 1.2], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(evaluate(sympy.exp(x**2) / x, {"x": at}).sum(), at)
    expr = sympy.diff(sympy.exp(x**2) / x, x)
    torch.testing.assert_close(slope, evaluate(expr, {"x": at.detach()}))


@pytest.mark.parametrize(
    ("expr", "said"),
    [(x + y, "contains y"), (sympy.Function("g")(x), "g of 1"), (sympy.gamma(x), "gamma"), (sympy.I * x, "real")],
)
def test_what_cannot_be_evaluated_is_named(expr, said: str) -> None:
    with pytest.raises(InputError, match=said):
        evaluate(expr, {"x": torch.ones(2)})
