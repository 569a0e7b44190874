"""A function that an edge may be: by name, for torch and for sympy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

from torch import Tensor

from ascribe.errors import need
from ascribe.kan.symbolic.domain import Domain, everywhere


@final
@dataclass(frozen=True)
class Function:
    r"""$f$ of an edge $c f(a x + b) + d$.

    `torch` works on tensors of any shape, entry by entry; `sympy` makes the expression, and is called only where
    formulas are asked for; `complexity` is what the function costs in a choice between formulas.
    """

    name: str
    torch: Callable[[Tensor], Tensor] = field(repr=False)
    sympy: Callable[[Any], Any] = field(repr=False)
    complexity: float | int
    domain: Domain = field(default=everywhere, repr=False)


def sympy_function(name: str) -> Callable[[Any], Any]:
    """sympy's function of that name, imported when it is first called."""
    return lambda u: getattr(need("sympy", extra="pykan"), name)(u)
