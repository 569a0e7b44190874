"""A formula as a line of text."""

from __future__ import annotations

from typing import Any

from ascribe.errors import need
from ascribe.kan.symbolic.graph import replaced


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
