"""Numbers from a sympy expression, by torch: differentiable, on any device, in the dtype of the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError, need

# sympy's name of a function and torch's function.
_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "Abs": torch.abs,
    "acos": torch.acos,
    "acosh": torch.acosh,
    "asin": torch.asin,
    "asinh": torch.asinh,
    "atan": torch.atan,
    "atanh": torch.atanh,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "erf": torch.erf,
    "exp": torch.exp,
    "log": torch.log,
    "sign": torch.sign,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "tan": torch.tan,
    "tanh": torch.tanh,
}


def evaluate_expression(expression: Any, symbols: Sequence[Any], x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """The value of a sympy expression at every row of x, whose columns are the values of `symbols`.

    Raises InputError for other symbols, for too few columns, and for functions without a counterpart in torch.

    >>> import sympy
    >>> a, b = sympy.symbols("a b")
    >>> evaluate_expression(a * b**2 + 1, [a, b], torch.tensor([[2.0, 3.0]])).tolist()
    [19.0]
    """
    sympy = need("sympy", extra="pykan")
    if not isinstance(expression, sympy.Expr):
        raise InputError(f"{expression!r} is no sympy expression; make one of sympy.symbols(...).")
    symbols = list(symbols)
    unknown = sorted(map(str, expression.free_symbols - set(symbols)))
    if unknown or len(symbols) != x.shape[1]:
        raise InputError(
            f"{expression} is to be read with {len(symbols)} symbols for {x.shape[1]} columns"
            + (f", and none of them is {', '.join(unknown)}" if unknown else "")
            + "; pass one symbol a column."
        )
    column = dict(zip(symbols, x.unbind(1), strict=True))

    def value(term: Any) -> Tensor:
        if term in column:
            return column[term]
        if term.is_number and term.is_real:
            return x.new_full((len(x),), float(term))
        if isinstance(term, sympy.Add | sympy.Mul):
            total = value(term.args[0])
            for other in term.args[1:]:
                total = total + value(other) if isinstance(term, sympy.Add) else total * value(other)
            return total
        if isinstance(term, sympy.Pow):
            base, power = term.args
            # A number as it is, so that negative numbers have their whole powers.
            return value(base) ** (float(power) if power.is_number else value(power))
        if term.func.__name__ in _FUNCTIONS and len(term.args) == 1:
            return _FUNCTIONS[term.func.__name__](value(term.args[0]))
        raise InputError(
            f"{term.func.__name__} in {expression} has no counterpart here; there are {', '.join(_FUNCTIONS)}."
        )

    return value(expression)
