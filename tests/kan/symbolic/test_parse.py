"""The grammar of formulas: it reads what Python and sympy read, and refuses everything else in a sentence."""

from __future__ import annotations

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.kan.symbolic.parse import FUNCTIONS, parse

x, y = sympy.symbols("x y")


def leaves():
    return st.sampled_from([x, y, sympy.pi, sympy.E, sympy.Integer(3), sympy.Rational(-2, 7), sympy.Float("1.25e-3")])


def grown(part: st.SearchStrategy[sympy.Expr]):
    ones = [sympy.sin, sympy.exp, sympy.atan, sympy.Abs, sympy.sign, sympy.cosh, lambda u: -u, lambda u: u**3]
    pairs = [lambda u, v: u + v, lambda u, v: u - v, lambda u, v: u * v, sympy.Max, lambda u, v: u / (v**2 + 2)]
    return st.one_of(
        st.tuples(st.sampled_from(ones), part).map(lambda t: t[0](t[1])),
        st.tuples(st.sampled_from(pairs), part, part).map(lambda t: t[0](t[1], t[2])),
    )


@settings(max_examples=60, deadline=None)
@given(st.recursive(leaves(), grown, max_leaves=8))
def test_what_sympy_writes_is_read_back(expr: sympy.Expr):
    assert parse(str(expr), ["x", "y"]) == sympy.sympify(str(expr))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-2**2", -4),
        ("2**-1", 0.5),
        ("2^3^2", 512),
        ("8/4/2", 1),
        ("1-2-3", -4),
        ("-+-3", 3),
        ("2*-3", -6),
        (".5e1 + 1.", 6),
        ("((1))", 1),
        ("pow(2, 5)", 32),
        ("log(8, 2)", 3),
        ("ln(e)", 1),
        ("log10(1000) + log2(8)", 6),
        ("relu(-3) + relu(2)", 2),
        ("max(1, min(5, 3), 2)", 3),
        ("sigmoid(0) + gaussian(0)", 1.5),
        ("arcsinh(0) + arsinh(0) + asinh(0)", 0),
    ],
)
def test_precedence_and_functions(text: str, value: float):
    assert float(parse(text)) == pytest.approx(value, abs=1e-15)


def test_whole_numbers_and_quotients_are_exact_and_decimals_keep_their_digits():
    assert parse("x**(5/2)", ["x"]) == x ** sympy.Rational(5, 2)
    assert float(parse("0.12345678901234568")) == 0.12345678901234568
    assert float(parse(repr(1 / 3))) == 1 / 3


def test_names_given_come_before_constants_and_functions():
    assert parse("pi*E*e", ["pi", "E", "e"]).free_symbols == set(sympy.symbols("pi E e"))
    assert parse("E", ["x"]) == sympy.E
    assert parse("E*t").free_symbols == set(sympy.symbols("E t"))
    assert parse("lambda*gamma", ["lambda", "gamma"]) == sympy.Symbol("lambda") * sympy.Symbol("gamma")
    assert parse("beta*sin + x", ["beta", "sin", "x"]).free_symbols == set(sympy.symbols("beta sin x"))


def test_names_that_are_no_words_stand_in_back_quotes():
    area, kind = sympy.Symbol("living area (m²)"), sympy.Symbol("class=2")
    assert parse("2*`living area (m²)`**2 + sin(`class=2`)", [area.name, kind.name]) == 2 * area**2 + sympy.sin(kind)
    assert parse("`sin` + `pi`").free_symbols == set(sympy.symbols("sin pi"))
    with pytest.raises(InputError, match="position 3: 'class=3' is no variable"):
        parse("2*`class=3`", [kind.name])
    with pytest.raises(InputError, match="position 0: '`' is no part"):
        parse("`class", [kind.name])


def test_every_function_is_one_of_sympys():
    assert all(callable(getattr(sympy, name)) for name in FUNCTIONS.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x + foo(y)", r"position 4: no function is named 'foo'"),
        ("sinn(x)", r"position 0: no function is named 'sinn'; near it are sign, sin"),
        ("x + z", r"position 4: 'z' is no variable; there are x, y"),
        ("x y", r"position 2: 'y' came where an operator"),
        ("x *", r"position 3: the end came where a number"),
        ("", r"position 0: the end came"),
        ("(x", r"position 2: the end came where '\)' was needed to close the parenthesis at position 0"),
        ("x)", r"position 1: '\)' came where an operator"),
        ("sin + x", r"position 0: sin is a function and needs its argument, as sin\(x\)"),
        ("atan2(x)", r"position 0: atan2 takes 2 arguments, 1 came"),
        ("x.real", r"position 1: '\.' is no part of a formula"),
        ("x = 1", r"position 2: '=' is no part"),
        ("x; y", r"position 1: ';' is no part"),
        ("__import__('os')", r"position 11: \"'\" is no part"),
        ("x[0]", r"position 1: '\[' is no part"),
        ("1/0", r"position 1: it divides by zero"),
        ("0**-1", r"position 1: it divides by zero"),
        ("9**9**9**9", r"position 4: a number of this size"),
        ("pow(9, pow(9, 9))", r"position 0: a number of this size"),
        ("(" * 5000 + "x", r"nested more than 60 levels"),
        ("2^" * 5000 + "x", r"nested more than 60 levels"),
        ("1" * 5000, r"a number of this size"),
    ],
)
def test_anything_else_is_refused_with_its_position(text: str, said: str):
    with pytest.raises(InputError, match=said):
        parse(text, ["x", "y"])


def test_the_deepest_nesting_is_read():
    assert parse("(" * 59 + "x" + ")" * 59) == x
