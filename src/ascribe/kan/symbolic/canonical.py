"""One form of a formula among many, in which its constants can be recognised."""

from __future__ import annotations

from typing import Any

from ascribe.errors import need


def canonical(expression: Any) -> Any:
    """The same function with the factors that exp, log, powers and Abs hide moved outside, where they meet others.

    exp(u + 0.7) becomes 2.01... exp(u); log(2 u) log(u) + 0.69...; (0.5 x + 1.5)^2 0.25 (x + 3)^2. A formula that is
    read from a network writes one number in several places; here each stands in one.

    >>> import sympy
    >>> x = sympy.Symbol("x")
    >>> canonical(sympy.Float(3) * (0.5 * x + 1.5) ** 2), canonical(sympy.exp(2 * x + sympy.Float(1.0)))
    (0.75*(x + 3.0)**2, 2.71828182845905*exp(2*x))
    >>> y = sympy.Symbol("y"); canonical(sympy.Float(0.5) * (4.0 * x + y) / (2.0 * x + 8.0))
    (1.0*x + 0.25*y)/(x + 4.0)
    """
    sympy = need("sympy", extra="pykan")
    moved = expression.replace(
        lambda part: part.is_Pow or isinstance(part, sympy.exp | sympy.log | sympy.Abs),
        lambda part: _moved(part, sympy),
    )
    return moved.replace(lambda part: part.is_Mul, lambda part: _taken_in(part, sympy))


def _taken_in(product: Any, sympy: Any) -> Any:
    """A decimal before sums that have decimals of their own goes into the first, those of the others with it."""
    factor, rest = product.as_coeff_Mul()
    found: list[Any] = []
    others: list[Any] = []
    for part in sympy.Mul.make_args(rest):
        lead, one = _factored(part, sympy) if part.is_Add else (1, part)
        if lead == 1:
            others.append(part)
        else:
            found.append(one)
            factor *= lead
    if not found:
        return product
    return sympy.Mul(sympy.Add(*(factor * term for term in found[0].args)), *found[1:], *others)


def _moved(part: Any, sympy: Any) -> Any:
    if isinstance(part, sympy.exp):
        constant, rest = part.args[0].as_coeff_Add()
        return _value(sympy.exp(constant)) * sympy.exp(rest) if constant.is_Float else part
    if part.is_Pow and not part.exp.is_number:
        return part
    base = part.base if part.is_Pow else part.args[0]
    factor, rest = _factored(base, sympy)
    # The root and the logarithm of a negative number are not real, whatever stands beside it.
    any_sign = isinstance(part, sympy.Abs) or (part.is_Pow and part.exp.is_Integer)
    if factor == 1 or (factor < 0 and not any_sign):
        return part
    if isinstance(part, sympy.log):
        return _value(sympy.log(factor)) + sympy.log(rest)
    if isinstance(part, sympy.Abs):
        return abs(factor) * sympy.Abs(rest)
    return _value(factor**part.exp) * rest**part.exp


def _factored(base: Any, sympy: Any) -> tuple[Any, Any]:
    """A decimal factor of a product, or of the first term of a sum that is not a constant; and what it leaves."""
    if base.is_Mul:
        factor, rest = base.as_coeff_Mul()
        return (factor, rest) if factor.is_Float else (sympy.Integer(1), base)
    if not base.is_Add:
        return sympy.Integer(1), base
    terms = [term.as_coeff_Mul() for term in sympy.Add.make_args(base)]
    leading = next((factor for factor, rest in terms if not rest.is_number), sympy.Integer(1))
    if not leading.is_Float:
        return sympy.Integer(1), base
    one = [rest if factor == leading else factor / leading * rest for factor, rest in terms]
    return leading, sympy.Add(*one)


def _value(number: Any) -> Any:
    """As a decimal, so that it can merge with other decimals."""
    return number.evalf(17) if number.is_number and number.atoms() else number
