"""Powers with any real exponent; the usual ones are in the library, all others can be named: "x^2.5", "1/x^7"."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import torch

from ascribe.errors import need
from ascribe.kan.symbolic.domain import Domain, above, at_least, away_from, everywhere
from ascribe.kan.symbolic.function import Function

Exponent = Fraction | float | int

# pykan's figures; every further whole power costs 3, or 5 below the line.
_COMPLEXITY: dict[Exponent, int] = {
    Fraction(2): 2,
    Fraction(-1): 2,
    Fraction(-2): 2,
    Fraction(-3): 3,
    Fraction(-4): 4,
    Fraction(1, 2): 2,
    Fraction(-1, 2): 2,
}


@lru_cache
def power(exponent: Exponent) -> Function:
    """$u^p$: for u > 0 (or 0) unless p is a whole number.

    >>> power(Fraction(3, 2)).name, power(-2).name
    ('x^1.5', '1/x^2')
    """
    p = Fraction(exponent) if Fraction(exponent).denominator < 1000 else float(exponent)
    whole = p == int(p)
    negative: Domain = away_from(0.0) if whole else above(0.0)
    positive: Domain = everywhere if whole else at_least(0.0)
    # Beyond 2^53 every float is an even number, and torch takes no larger integers than 2^63.
    number = int(p) if whole and abs(p) < 2**53 else float(p)

    def expression(u: object) -> object:
        sympy = need("sympy", extra="pykan")
        return u ** (sympy.Rational(p.numerator, p.denominator) if isinstance(p, Fraction) else sympy.Float(p))

    complexity = _COMPLEXITY.get(p, (3 if p > 0 else 5) if whole else 4)
    return Function(_name(p), lambda u: torch.pow(u, number), expression, complexity, positive if p > 0 else negative)


def _name(p: Exponent) -> str:
    size = abs(p)
    if size == 1:
        text = "x"
    elif isinstance(size, Fraction) and size.denominator not in (1, 2, 4, 5, 10):
        text = f"x^({size})"
    else:
        text = f"x^{int(size) if size == int(size) else float(size)!r}"
    return text if p > 0 else f"1/{text}"


POWERS = tuple(
    power(Fraction(p))
    for p in (
        2,
        3,
        4,
        5,
        6,
        -1,
        -2,
        -3,
        -4,
        -5,
        Fraction(1, 2),
        Fraction(3, 2),
        Fraction(5, 2),
        Fraction(-1, 2),
        Fraction(-3, 2),
    )
)
