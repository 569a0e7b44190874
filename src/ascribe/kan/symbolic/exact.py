"""Numbers written exactly: a float that is a short expression in disguise."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from ascribe.errors import need

# Denominators up to here; and the product of both, times the tolerance, so that chance explains one float in a hundred.
_DENOMINATOR, _CHANCE = 100, 2e-4


def exact_number(value: float, tolerance: float = 1e-9) -> Any | None:
    r"""The simplest of $q\,\pi^k$ and $\sqrt q\,\pi^k$ (q rational, k a half-integer) within a relative tolerance.

    A sympy number, or None where there is none: the wider the tolerance, the simpler q has to be.

    >>> exact_number(0.0795774715459477), exact_number(0.2820947917738781), exact_number(0.61803)
    (1/(4*pi), 1/(2*sqrt(pi)), None)
    """
    sympy = need("sympy", extra="pykan")
    if value == 0:
        return sympy.Integer(0)
    if not math.isfinite(value):
        return None
    choices: list[tuple[float, Any]] = []
    for halves in (0, 2, -2, 1, -1, 4, -4):
        ratio = abs(value) / math.pi ** (halves / 2)
        for root in (False, True):
            target = ratio * ratio if root else ratio
            if not 1e-6 < target < 1e6:
                continue
            found = Fraction(target).limit_denominator(_DENOMINATOR)
            if not found or found.numerator * found.denominator * tolerance > _CHANCE:
                continue
            if abs(float(found) - target) > (2 if root else 1) * tolerance * target:
                continue
            price = math.log2(found.numerator * found.denominator + 1) + 3 * abs(halves) + 4 * root
            q = sympy.Rational(found.numerator, found.denominator)
            choices.append((price, (sympy.sqrt(q) if root else q) * sympy.pi ** sympy.Rational(halves, 2)))
    if not choices:
        return None
    exact = min(choices, key=lambda choice: choice[0])[1]
    return exact if value > 0 else -exact


def with_exact_numbers(expression: Any, tolerance: float = 1e-9) -> Any:
    """The expression with every float that is a short number in disguise written as that number."""
    sympy = need("sympy", extra="pykan")
    found = {number: exact_number(float(number), tolerance) for number in expression.atoms(sympy.Float)}
    return expression.xreplace({number: exact for number, exact in found.items() if exact is not None})
