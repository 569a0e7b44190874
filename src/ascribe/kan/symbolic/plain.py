"""A formula as a line of text, its numbers short."""

from __future__ import annotations

from typing import Any

from ascribe.errors import InputError, need
from ascribe.kan.symbolic.graph import replaced
from ascribe.kan.whole import whole


def plain(expression: Any) -> str:
    """The expression as sympy writes it; a name that is no word stands in back quotes.

    >>> import sympy
    >>> plain(sympy.Symbol("body mass") ** 2 + sympy.Float(1.5))
    '`body mass`**2 + 1.5'
    """
    sympy = need("sympy", extra="pykan")

    def quoted(part: Any) -> Any:
        return sympy.Symbol(f"`{part.name}`") if part.is_Symbol and not part.name.isidentifier() else part

    return sympy.sstr(replaced(expression, quoted), full_prec=False)


def rounded(expression: Any, digits: int) -> Any:
    """The expression with its decimal numbers rounded to significant digits; a whole number comes out as one.

    Raises InputError for less than one digit.
    """
    sympy = need("sympy", extra="pykan")
    if whole(digits, "digits") < 1:
        raise InputError(f"digits={digits} leaves nothing of a number; pass 1 or more.")

    def short(number: Any) -> Any:
        value = float(f"{float(number):.{digits}g}")
        return sympy.Integer(int(value)) if value == int(value) and abs(value) < 10**digits else sympy.Float(value)

    return replaced(expression, lambda part: short(part) if part.is_Float else part)
