"""kan.compiler: from a formula to the KAN that computes it."""

from __future__ import annotations

from typing import Any, SupportsIndex

from ascribe.compat.pykan._expressions import expression
from ascribe.compat.pykan._names import names_of
from ascribe.compat.pykan.MultKAN import KAN
from ascribe.core.arguments import checked
from ascribe.kan.compile.build import compiled_as


@checked
def kanpiler(
    input_variables: Any, expr: Any, grid: SupportsIndex = 5, k: SupportsIndex = 3, auto_save: bool = False
) -> KAN:
    """As `ascribe.kan.compile.kanpiler`, in torch's default dtype; `auto_save` writes nothing: versions are in memory.

    >>> import sympy
    >>> x, y = sympy.symbols("x y")
    >>> kanpiler((x, y), x * y).width
    [[2, 0], [0, 1]]
    """
    return compiled_as(KAN, input_variables, expr, grid, k)


expr2kan = sf2kan = kanpiler


@checked
def next_nontrivial_operation(expr: Any, scale: Any = 1, bias: Any = 0) -> tuple[Any, Any, Any]:
    """The expression without its numbers: (part, scale, bias), with scale * part + bias what came, nested ones too.

    >>> from sympy import Symbol, exp
    >>> next_nontrivial_operation(2 * (3 * exp(Symbol("x")) + 1) - 5)
    (exp(x), 6, -3)
    """
    if not expression(expr, "expr").free_symbols or not (expr.is_Add or expr.is_Mul):
        return expr, scale, bias
    number, part = expr.as_independent(*expr.free_symbols)
    if part == expr:
        return expr, scale, bias
    if expr.is_Add:
        return next_nontrivial_operation(part, scale, bias + scale * number)
    return next_nontrivial_operation(part, scale * number, bias)


__getattr__ = names_of(__name__)
