"""Numbers, polynomials and pieces as sympy writes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ascribe.errors import InputError, need


def number(value: float | int) -> Any:
    """A sympy number: an integer where the value is one, else the float with all its digits.

    Raises InputError for what is not finite.
    """
    if not math.isfinite(value):
        raise InputError(f"a number of the formula is {value}; fit the network again, or load a state that is finite.")
    sympy = need("sympy", extra="pykan")
    return sympy.Integer(int(value)) if value == int(value) and abs(value) < 2**53 else sympy.Float(value)


def polynomial(x: Any, coefficients: Sequence[float | int]) -> Any:
    """Of the powers of x from the 0-th.

    >>> import sympy
    >>> polynomial(sympy.Symbol("x"), [1.0, 0.0, 0.5])
    0.5*x**2 + 1
    """
    sympy = need("sympy", extra="pykan")
    return sympy.Add(*(number(c) * x**p for p, c in enumerate(coefficients)))


def pieces(x: Any, breaks: Sequence[float | int], expressions: Sequence[Any], closed: bool = True) -> Any:
    """One expression below the first break, between any two, and above the last; no number where x is none.

    A break belongs to what is on its right; the last, where it is `closed`, to what is on its left.
    """
    sympy = need("sympy", extra="pykan")
    *ends, last = map(number, breaks)
    below, above = (sympy.Le, sympy.Gt) if closed else (sympy.Lt, sympy.Ge)
    known = bool(x.is_number)
    conditions = [
        *(sympy.Lt(x, end, evaluate=known) for end in ends),
        below(x, last, evaluate=known),
        above(x, last, evaluate=known),
    ]
    pairs = zip(expressions, conditions, strict=True)
    return sympy.Piecewise(*pairs) if known else piecewise(pairs)


def piecewise(pairs: Iterable[tuple[Any, Any]]) -> Any:
    """sympy's Piecewise of expressions and conditions, as they are."""
    sympy = need("sympy", extra="pykan")
    pair = sympy.functions.elementary.piecewise.ExprCondPair
    # Its own constructor multiplies a condition out into the pieces of what it compares, and theirs in turn: hours.
    return sympy.Basic.__new__(sympy.Piecewise, *(sympy.Tuple.__new__(pair, *each) for each in pairs))
