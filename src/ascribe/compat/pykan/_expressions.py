"""Formulas, as users give them."""

from __future__ import annotations

from typing import Any

from ascribe.errors import InputError, need


def expression(value: Any, name: str) -> Any:
    """The sympy expression itself.  Raises InputError for anything else, texts among it."""
    sympy = need("sympy", extra="pykan")
    if not isinstance(value, sympy.Expr):
        raise InputError(f"{name}={value!r} is no formula; pass a sympy expression: x = Symbol('x'); {name}=x**2 + 1.")
    return value
