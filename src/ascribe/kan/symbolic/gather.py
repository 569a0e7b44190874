"""Constants gathered: what networks scale twice is scaled once, and what is rounding goes."""

from __future__ import annotations

from typing import Any

from ascribe.errors import need


def gathered(expression: Any, rounding: float = 1e-10) -> Any:
    """The same formula, sums led by a plain term under powers, roots and logarithms, and without negligible terms.

    Those have a coefficient below `rounding`, beside the largest of their sum.

    >>> import sympy
    >>> x = sympy.Symbol("x"); gathered(3.0 * (2.0 * x + 4.0) ** 2 + sympy.sin(x + 1e-15))
    12.0*(x + 2.0)**2 + sin(x)
    """
    sympy = need("sympy", extra="pykan")
    if not expression.args:
        return expression
    arguments = [gathered(argument, rounding) for argument in expression.args]
    if expression.is_Add:
        return _without_rounding(sympy.expand_mul(sympy.Add(*arguments)), rounding)
    if expression.is_Pow and arguments[0].is_Add and arguments[1].is_Number:
        scale, base = _led(arguments[0])
        return scale ** arguments[1] * base ** arguments[1]
    if isinstance(expression, sympy.log) and arguments[0].is_Add:
        scale, base = _led(arguments[0])
        return sympy.log(scale) + sympy.log(base)
    return expression.func(*arguments)


def _led(total: Any) -> tuple[Any, Any]:
    """A positive number, and the sum that it multiplies: its first term with a symbol has a coefficient of 1 or -1."""
    sympy = need("sympy", extra="pykan")
    terms = [term for term in sympy.Add.make_args(total) if not term.is_number]
    scale = abs(terms[0].as_coeff_Mul()[0]) if terms else 0
    if not scale:
        return sympy.Integer(1), total
    return scale, sympy.Add(*(without_one(term / scale) for term in sympy.Add.make_args(total)))


def without_one(term: Any) -> Any:
    """A term whose coefficient is 1 or -1 to rounding, without it."""
    coefficient, rest = term.as_coeff_Mul()
    return round(coefficient) * rest if abs(abs(coefficient) - 1) < 1e-13 else term


def _without_rounding(total: Any, rounding: float) -> Any:
    sympy = need("sympy", extra="pykan")
    terms = sympy.Add.make_args(total)
    sizes = [abs(float(term.as_coeff_Mul()[0])) for term in terms]
    return sympy.Add(*(term for term, size in zip(terms, sizes, strict=True) if size > rounding * max(sizes)))
