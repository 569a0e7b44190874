"""The values of a formula: a sympy expression walked as a graph, each distinct part computed once, by torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from ascribe.errors import InputError

Value = Tensor | float | int

# Functions of one argument, by sympy's names for them.
UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "log": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "cot": lambda u: torch.cos(u) / torch.sin(u),
    "sec": lambda u: 1 / torch.cos(u),
    "csc": lambda u: 1 / torch.sin(u),
    "asin": torch.asin,
    "acos": torch.acos,
    "atan": torch.atan,
    "acot": lambda u: torch.atan(1 / u),
    "asec": lambda u: torch.acos(1 / u),
    "acsc": lambda u: torch.asin(1 / u),
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "coth": lambda u: 1 / torch.tanh(u),
    "sech": lambda u: 1 / torch.cosh(u),
    "csch": lambda u: 1 / torch.sinh(u),
    "asinh": torch.asinh,
    "acosh": torch.acosh,
    "atanh": torch.atanh,
    "acoth": lambda u: torch.atanh(1 / u),
    "asech": lambda u: torch.acosh(1 / u),
    "acsch": lambda u: torch.asinh(1 / u),
    "Abs": torch.abs,
    "sign": torch.sign,
    "floor": torch.floor,
    "ceiling": torch.ceil,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "erfinv": torch.erfinv,
    "loggamma": torch.lgamma,
    "sinc": lambda u: torch.sinc(u / math.pi),
    "conjugate": lambda u: u,
    "re": lambda u: u,
    "im": torch.zeros_like,
    "arg": lambda u: torch.where(u < 0, math.pi, 0.0).to(u.dtype),
    "Not": torch.logical_not,
}
_FOLDED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Max": torch.maximum,
    "Min": torch.minimum,
    "And": torch.logical_and,
    "Or": torch.logical_or,
}
_BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "atan2": torch.atan2,
    "Mod": torch.remainder,
    # Its second argument is its value at 0.
    "Heaviside": lambda u, zero: torch.where(u == 0, zero, (u > 0).to(u.dtype)),
    "StrictGreaterThan": torch.gt,
    "GreaterThan": torch.ge,
    "StrictLessThan": torch.lt,
    "LessThan": torch.le,
    "Equality": torch.eq,
    "Unequality": torch.ne,
}


def evaluate(
    expr: Any,
    values: Mapping[str, Tensor],
    functions: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
) -> Tensor:
    """The real values of a sympy expression, where each symbol takes the tensor under its name; differentiable.

    The tensors broadcast; the result has their common shape and dtype, also for a constant. NaN stands where the
    formula is not real. `functions` says what functions are that sympy only knows by name. No text is read and no code
    made: the expression is data. A part that stands several times is computed once.

    Raises InputError for a symbol without a value and for a function that is not known, by name.

    >>> import sympy
    >>> x = sympy.Symbol("x")
    >>> evaluate(sympy.sqrt(x) + sympy.Max(x, 3), {"x": torch.tensor([1.0, 4.0])})
    tensor([4., 6.])
    """
    like = reduce(torch.add, (v.detach() for v in values.values()), torch.zeros(()))
    known: dict[Any, Value] = {}
    waiting = [expr]
    while waiting:
        part = waiting[-1]
        parts = _parts(part)
        missing = [other for other in parts if other not in known]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if part not in known:
            known[part] = _apply(part, [known[other] for other in parts], values, functions or {}, like)
    found = torch.as_tensor(known[expr], dtype=like.dtype, device=like.device)
    return found.expand(torch.broadcast_shapes(like.shape, found.shape))


def _parts(part: Any) -> list[Any]:
    """What must be known first; the pairs of a Piecewise are no values of their own."""
    if part.func.__name__ == "Piecewise":
        return [each for pair in part.args for each in pair.args]
    return list(part.args)


def _apply(
    part: Any,
    found: Sequence[Value],
    values: Mapping[str, Tensor],
    functions: Mapping[str, Callable[[Tensor], Tensor]],
    like: Tensor,
) -> Value:
    name = part.func.__name__

    def tensor(value: Value) -> Tensor:
        return value if isinstance(value, Tensor) else torch.as_tensor(value, dtype=like.dtype, device=like.device)

    if part.is_Symbol:
        if part.name not in values:
            have = ", ".join(sorted(values)) or "none"
            raise InputError(f"the formula contains {part.name}, which has no value; there are values for {have}.")
        return values[part.name]
    if not found:
        return _number(part)
    if name == "Add":
        return reduce(lambda left, right: left + right, found)
    if name == "Mul":
        return reduce(lambda left, right: left * right, found)
    if name == "Pow":
        return power(found[0], found[1])
    if name == "ITE":
        return torch.where(tensor(found[0]).bool(), tensor(found[1]), tensor(found[2]))
    if name == "Piecewise":
        return _pieces([tensor(value) for value in found], like)
    if name in UNARY and len(found) == 1:
        return UNARY[name](tensor(found[0]))
    if name in _BINARY and len(found) == 2:
        return _BINARY[name](tensor(found[0]), tensor(found[1]))
    if name in _FOLDED:
        return reduce(_FOLDED[name], [tensor(value) for value in found])
    if name in functions and len(found) == 1:
        return functions[name](tensor(found[0]))
    raise InputError(f"{part} holds {name} of {len(found)} arguments, for which there is no torch function.")


def _number(part: Any) -> float | int:
    """A number of sympy's, or a truth."""
    if part.func.__name__ in ("BooleanTrue", "BooleanFalse"):
        return bool(part)
    if part.is_Integer and abs(int(part)) < 2**53:
        return int(part)
    try:
        return float(part)
    except (TypeError, OverflowError):
        raise InputError(f"{part} is no real number; a formula is evaluated over the reals.") from None


def _pieces(found: Sequence[Tensor], like: Tensor) -> Tensor:
    """Values and conditions in turn: the first value whose condition holds; NaN where none does."""
    chosen: Tensor = like.new_full((), math.nan)
    for value, condition in reversed(list(zip(found[::2], found[1::2], strict=True))):
        chosen = torch.where(condition.bool(), value, chosen)
    return chosen


def power(base: Value, exponent: Value) -> Value:
    """base ** exponent, by the exact operation where there is one.

    >>> power(torch.tensor(9.0), 0.5), power(torch.tensor(-2.0), 3), power(2.0, torch.tensor(3.0))
    (tensor(3.), tensor(-8.), tensor(8.))
    """
    if isinstance(base, Tensor) and not isinstance(exponent, Tensor):
        if exponent == -1:
            return base.reciprocal()
        if exponent == 0.5:
            return base.sqrt()
        if exponent == -0.5:
            return base.rsqrt()
    if isinstance(base, Tensor) or isinstance(exponent, Tensor):
        return torch.pow(base, exponent)  # pyright: ignore[reportCallIssue, reportArgumentType] - one is a tensor
    return float(torch.tensor(base, dtype=torch.float64) ** exponent)
