"""A compiled network computes its formula: on all Feynman problems, on what pykan has wrong, on random formulas."""

from __future__ import annotations

import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import I, Integer, Piecewise, Rational, pi, zoo

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.compile import expr2kan, kanpiler, sf2kan
from ascribe.kan.feynman import get_feynman_dataset
from ascribe.kan.symbolic.evaluate import evaluate

a, b, c = sympy.symbols("a b c")
f64 = torch.float64


def box(ranges: list[tuple[float, float]], rows: int, dtype: torch.dtype = f64, seed: int = 0) -> torch.Tensor:
    low, high = torch.tensor(ranges, dtype=f64).unbind(1)
    draw = torch.rand(rows, len(ranges), dtype=f64, generator=torch.Generator().manual_seed(seed))
    return (low + (high - low) * draw).to(dtype)


def test_all_feynman_problems_on_their_ranges():
    """The root mean square of the error over that of the values, which are computed in float64."""
    errors: dict[tuple[int, torch.dtype], float] = {}
    for number in range(1, 121):
        symbols, expr, f, ranges = get_feynman_dataset(number)
        kan = kanpiler(symbols, expr, dtype=f64)
        for dtype, bound in ((f64, 1e-12), (torch.float32, 1e-5)):
            x = box(ranges, 1000, dtype, number)
            truth = f(x.double())
            with torch.no_grad():
                error = kan.to(dtype)(x).double() - truth
            if not error.norm() < bound * truth.norm():
                errors[number, dtype] = float(error.norm() / truth.norm())
    assert errors == {}


def test_problem_36_in_float64():
    symbols, expr, f, ranges = get_feynman_dataset(36)
    x = box(ranges, 1000)
    with torch.no_grad():
        assert float((kanpiler(symbols, expr, dtype=f64)(x) - f(x)).square().mean()) < 1e-24


FORMULAS = [
    sympy.sinh(b),
    sympy.exp(sympy.sinh(b) / 2),
    sympy.sec(a / 2),
    a ** Rational(5, 2),
    a ** Rational(-3, 2),
    a**-1.5,
    a**1.5,
    a**6,
    a**-7,
    a ** Rational(1, 3),
    a**pi,
    a**b,
    2**a,
    a**b**c,
    sympy.exp(pi * (a + 1)),
    (1 + pi * (a + 1)) ** 2,
    sympy.exp(-a / 100) - sympy.exp(-(a + 1) / 100),
    sympy.exp(a * b) - 1,
    3 * sympy.exp(a) - 3,
    sympy.Abs(a - b),
    sympy.Max(a, b),
    sympy.Min(a, 1, b, c),
    sympy.Max(a, 1),
    sympy.Max(0, a - 1, b - 1, c - 1) + sympy.Min(0, 1 - a, 1 - b),
    2 ** sympy.re(a) + sympy.conjugate(a * b),
    sympy.sign(a - b),
    sympy.Heaviside(a - 1) + 2 * sympy.Heaviside(b - 1, 1) - sympy.Heaviside(c - 1, 0),
    Integer(3),
    pi,
    a,
    2 * a + 1,
    a * b + 1,
    a * b * c * sympy.sin(a) * sympy.cos(b) / (1 + c),
    sympy.sin(a) + sympy.cos(a) + sympy.tan(a / 2) + a + a**2,
    (sympy.sin(a) + sympy.cos(a)) * (a + a**2) * b,
    1 / (1 + 1 / (1 + 1 / (a + b))),
    sympy.sqrt(a * b) * sympy.log(a / b, 10),
    sympy.sech(a) + sympy.csch(a) + sympy.coth(a) + sympy.cosh(a) + sympy.tanh(a) + sympy.erf(a),
    sympy.sin(a) + sympy.sin(sympy.sin(a)) + sympy.cos(sympy.sin(a)) + sympy.exp(sympy.sin(sympy.sin(a))) + a,
    sympy.acot(a) + sympy.asec(a + 2) + sympy.acsc(a + 2) + sympy.atan(a) + sympy.cot(a / 2) + sympy.csc(a / 2),
    sympy.asinh(a) + sympy.acosh(a + 1) + sympy.atanh(a / 4) + sympy.asin(a / 4) + sympy.acos(a / 4),
    sympy.asech(a / 4) + sympy.acsch(a) + sympy.acoth(a + 2),
    Piecewise((a**2, a < 1), (a, a < Rational(3, 2)), (1, True)),
    Piecewise((sympy.sqrt(a - 1), a > 1), (0, True)) + Piecewise((sympy.log(a), a >= 1), (-sympy.log(2 - a), True)),
    Piecewise((a, a > b), (b, True)) * Piecewise((1, (c > 0.5) & (c <= 1)), (-2, True)),
    Piecewise((b, 1 - 2 * a > 0), (a * b, a < 1), (c**2, True)),
    sympy.sin(Piecewise((sympy.exp(a * b), a * b < 1), (pi, sympy.Not(a * b >= pi)), (sympy.cos(a * b), True)) + c),
    Piecewise((Piecewise((a, a < Rational(1, 2)), (-1, True)), a < 1), (0, True)) + sympy.real_root(a - 1, 3),
]


@pytest.mark.parametrize("expr", FORMULAS, ids=str)
def test_formulas_one_by_one(expr: sympy.Expr):
    x = box([(0.05, 2.0)] * 3, 500)
    truth = evaluate(expr, dict(zip("abc", x.unbind(1), strict=True)))
    with torch.no_grad():
        assert kanpiler((a, b, c), expr, dtype=f64)(x)[:, 0].numpy() == pytest.approx(truth.numpy(), rel=1e-13)


def leaves():
    return st.sampled_from([a, b, c, pi, Integer(2), Rational(-3, 7), sympy.Float(0.3)])


def grown(part: st.SearchStrategy[sympy.Expr]):
    ones = [sympy.sin, sympy.cos, sympy.tanh, sympy.atan, sympy.Abs, lambda u: u**2, lambda u: 1 / (u**2 + 1)]
    pairs = [lambda u, v: u + v, lambda u, v: u - 2 * v, lambda u, v: u * v, sympy.Max, sympy.Min]
    return st.one_of(
        st.tuples(st.sampled_from(ones), part).map(lambda t: t[0](t[1])),
        st.tuples(st.sampled_from(pairs), part, part).map(lambda t: t[0](t[1], t[2])),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.recursive(leaves(), grown, max_leaves=10), min_size=1, max_size=3))
def test_random_formulas_of_several_outputs(expressions: list[sympy.Expr]):
    x = box([(-2.0, 2.0)] * 3, 60)
    values = dict(zip("abc", x.unbind(1), strict=True))
    truth = torch.stack([evaluate(expr, values) for expr in expressions], 1)
    with torch.no_grad():
        found = kanpiler((a, b, c), expressions, dtype=f64)(x)
    # Numbers of several thousand may cancel on the way.
    assert float((found - truth).abs().max()) < 1e-9 * max(1.0, float(truth.abs().max()))


@pytest.mark.parametrize("x", [0.0, 1e-300, -1e-12, 1e-3, -0.7, 5.0])
@pytest.mark.parametrize("y", [0.0, 1e-12, -1e-3, 0.7, -5.0])
def test_atan2_in_all_quarters_and_on_the_axes(y: float, x: float):
    at = torch.tensor([[y, x]], dtype=f64, requires_grad=True)
    if y == 0 and abs(x) < 1e-100:
        return  # the origin: there is no angle
    kan = kanpiler((a, b), sympy.atan2(a, b), dtype=f64)
    value = kan(at)[0, 0]
    assert value.item() == pytest.approx(torch.atan2(at[0, 0], at[0, 1]).item(), rel=1e-14)
    (slope,) = torch.autograd.grad(value, at)
    r2 = x * x + y * y
    if y != 0 or x > 0:
        assert slope[0].tolist() == pytest.approx([x / r2, -y / r2], rel=1e-12, abs=1e-14 * r2**-0.5)


def test_a_part_that_stands_several_times_is_one_node():
    kan = kanpiler((a, b), [sympy.sin(a + b), sympy.cos(-a - b), sympy.exp(2 * a + 2 * b)])
    assert kan.width == [[2, 0], [1, 0], [3, 0]]
    s = sympy.exp(a * b)
    assert kanpiler((a, b), s * sympy.sin(s) * sympy.sqrt(s)).width == [[2, 0], [0, 1], [1, 0], [0, 1]]


def test_networks_are_small():
    assert kanpiler((a, b), sympy.exp(sympy.sin(pi * a) + b**2)).width == [[2, 0], [1, 0], [1, 0]]
    kan = kanpiler((a, b, c), 3 * a * b / c + 2)
    assert (kan.width, kan.arity, kan.n_edge) == ([[3, 0], [0, 1]], [[], [3]], 3)
    # One identity a level carries c to where it is needed, however often it is.
    kan = kanpiler((a, c), sympy.exp(sympy.sin(sympy.exp(a) + c) * c + c) + c)
    assert kan.width == [[2, 0], [2, 0], [1, 1], [2, 0], [1, 0]]


def test_outputs_keep_their_order_where_products_and_sums_mix():
    x = box([(0.1, 2.0)] * 2, 20)
    kan = kanpiler((a, b), [a * b, a + b, 2 * a * b, a], dtype=f64)
    expected = torch.stack([x[:, 0] * x[:, 1], x.sum(1), 2 * x[:, 0] * x[:, 1], x[:, 0]], 1)
    assert torch.allclose(kan(x), expected, rtol=1e-15)
    assert kanpiler((a, b), [a + b, a * b]).width == [[2, 0], [1, 1]]


def test_dtype_follows_torch_unless_it_is_given():
    assert kanpiler(a, sympy.sin(a))(torch.zeros(1, 1)).dtype == torch.float32
    assert kanpiler(a, sympy.sin(a), dtype=f64)(torch.zeros(1, 1, dtype=f64)).dtype == f64
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(f64)
        assert kanpiler(a, sympy.sin(a)).layers[0].mask.dtype == f64
    finally:
        torch.set_default_dtype(before)


def test_names_texts_and_aliases():
    kan = kanpiler(["wind", "sun"], "wind*sin(sun)", grid=7, k=2)
    assert (kan.names, kan.grid, kan.k) == (["wind", "sun"], [7], [2])
    assert kanpiler(sympy.symbols("u v", positive=True), "u*v").width == [[2, 0], [0, 1]]
    assert expr2kan is sf2kan is kanpiler


def test_grids_cover_the_values_that_the_ranges_give():
    kan = kanpiler((a, b), sympy.exp(a) * sympy.sqrt(b), ranges=[(-2, 3), (0.5, 9)])
    low, high = kan.layers[0].range
    assert low.tolist() == pytest.approx([-2, 0.5], abs=0.1)
    assert high.tolist() == pytest.approx([3, 9], abs=0.1)
    with pytest.raises(InputError, match=r"is no box; pass \(low, high\) for each of the 2 variables"):
        kanpiler((a, b), a * b, ranges=[(0, 1)])
    with pytest.raises(InputError, match=r"holds points where a part of the formula is no finite number"):
        kanpiler(a, sympy.log(sympy.log(a)), ranges=[(-1, 1)])


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        (sympy.gamma(a), r"the term gamma\(a\) cannot be compiled"),
        (1 + 2 * sympy.sin(sympy.floor(a * b)), r"the term floor\(a\*b\) cannot be compiled"),
        (Piecewise((sympy.sin(b), a > 0), (b, True)), r"its pieces are no polynomials, and functions of more than a"),
        (Piecewise((1, a > 0), (2, b > 0), (3, True)), r"its conditions compare a and b"),
        (Piecewise((1, sympy.Eq(a, 0)), (sympy.sin(a) / a, True)), r"has a value at a = 0 alone"),
        (Piecewise((1, a > 0)), r"has no value where a is -1; add a last piece"),
        (Piecewise((1 / a, a > 0), (0, True)), r"holds zoo, which is no finite real number"),
        (Piecewise((1, sympy.Contains(a, sympy.Interval(0, 1))), (0, True)), r"compares no numbers"),
        ("a < b", r"'<' is no part of a formula; pieces are read from sympy's Piecewise"),
        ("a² + b", r"'a²' is no word; write x\^2"),
        (sympy.Function("f")(a) + a, r"the term f\(a\) cannot be compiled"),
        (sympy.Integral(sympy.sin(a**2), a), r"the term Integral\(.*\) cannot be compiled"),
        (sympy.Mod(a, b), r"the term Mod\(a, b\) cannot be compiled"),
        (sympy.Heaviside(a, 2), r"the term Heaviside\(a, 2\) is compiled for 0, 1/2 or 1"),
        (I * a, r"the term I\*a holds I, which is no finite real number"),
        (sympy.sin(sympy.sqrt(-2) + a), r"which is no finite real number"),
        (zoo * a, r"the term zoo\*a holds zoo"),
        (a * sympy.exp(sympy.exp(sympy.exp(1000))), r"which is no finite real number"),
        (a**I, r"a\*\*I holds I"),
        ((-2) ** a, r"the term \(-2\)\*\*a is a power of -2"),
        (a + sympy.Symbol("z"), r"holds z, but the variables are a, b"),
        (a > b, r"is no expression"),
        ([], r"is no expression"),
        ("a + z", r"'z' is no variable; there are a, b"),
    ],
    ids=str,
)
def test_what_cannot_be_compiled_names_the_term(expr: object, said: str):
    with pytest.raises(InputError, match=said):
        kanpiler((a, b), expr)


@pytest.mark.parametrize("at", [1e17, -1e17, 0.5])
def test_pieces_part_where_they_are_told_to_however_far(at: float):
    kan = kanpiler(a, Piecewise((2, a < at), (3, True))).double()
    x = torch.tensor([[at - abs(at)], [at + abs(at)], [2 * at], [0.0]], dtype=torch.float64)
    assert torch.equal(kan(x), torch.where(x < at, 2.0, 3.0).double())


def test_nesting_beyond_all_measure_is_refused():
    expr = a
    for _ in range(120):
        expr = sympy.sin(expr) + 1
    with pytest.raises(InputError, match="nested too deeply"):
        kanpiler(a, expr)


@pytest.mark.parametrize("variables", [(), (a, a), (1, 2), a + b, 1, {a, b}])
def test_variables_are_distinct_symbols(variables: object):
    with pytest.raises(InputError, match=r"are no distinct symbols"):
        kanpiler(variables, Integer(1))


def test_a_compiled_network_is_a_kan_like_any_other(tmp_path):
    x = box([(0.1, 2.0)] * 2, 50)
    kan = kanpiler((a, b), a * sympy.exp(b) + 1, dtype=f64)
    kan.save(tmp_path / "kan.safetensors")
    assert torch.equal(KAN.load(tmp_path / "kan.safetensors")(x), kan(x))
    assert torch.equal(kan.copy()(x), kan(x))
    pruned = kan.prune(x=x)
    assert (pruned.width, torch.allclose(pruned(x), kan(x))) == (kan.width, True)


@pytest.mark.parametrize("ranges", [3, [1, 2], [(0, 1)], [(0, 1), (1, 0)], [(0, 1), (0, float("inf"))], {"a": (0, 1)}])
def test_ranges_are_a_box(ranges: object):
    with pytest.raises(InputError, match="is no box"):
        kanpiler((a, b), a * b, ranges=ranges)


@pytest.mark.parametrize("number", [10.0**300, 10.0**-300])
def test_constants_are_held_by_the_dtype_or_refused(number: float):
    x = torch.ones(1, 1, dtype=f64)
    assert float(kanpiler(a, number * a, dtype=f64)(x).detach()) == number
    with pytest.raises(InputError, match=r"beyond torch\.float32"):
        kanpiler(a, number * a, dtype=torch.float32)


def test_columns_are_known_by_their_names():
    """A symbol with assumptions stands for the variable of its name; two variables of one name would be one formula."""
    positive = sympy.Symbol("a", positive=True)
    for variables, expr in ((("a",), positive**2), ((a,), positive**2), ((positive,), a**2), ((positive,), "a^2")):
        assert float(kanpiler(variables, expr, dtype=f64)(torch.full((1, 1), 3.0, dtype=f64)).detach()) == 9
    with pytest.raises(InputError, match="distinct"):
        kanpiler((a, positive), a * positive)


def test_powers_and_numbers_of_any_size_are_computed_or_refused():
    x = torch.tensor([[1.0], [-1.0], [0.5]], dtype=f64)
    assert kanpiler(a, a ** (10**30), dtype=f64)(x).flatten().tolist() == [1, 1, 0]
    for expr in (a ** (10**400), a * 10**5000, a**pi ** sympy.Integer(10) ** 9):
        with pytest.raises(InputError, match="no finite real number"):
            kanpiler(a, expr)


@pytest.mark.parametrize(
    "text", ["exp(9^9999)*a", "a*9^9999", "exp(9^600*9^600*9^600*9^600*9^600)*a", "exp(" + "9" * 3999 + ")"]
)
def test_texts_of_endless_numbers_are_refused(text: str):
    with pytest.raises(InputError, match="number"):
        kanpiler(a, text)
