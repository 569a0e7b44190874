"""kan.compiler: from a formula to the KAN that computes it."""

from __future__ import annotations

from typing import Any, SupportsIndex

from ascribe.compat.pykan.MultKAN import KAN
from ascribe.kan.compile.build import compiled_as


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
