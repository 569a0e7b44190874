"""Which edge a function of one argument is, and what other functions are in terms of those that are edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ascribe.errors import InputError
from ascribe.kan.compile.graph import real, shown
from ascribe.kan.compile.pieces import made_of_pieces
from ascribe.kan.symbolic.library import LIBRARY

# The library's name of exp(u) - 1, for which sympy has none.
EXPM1: Final = "exp(x)-1"
# sympy's name of a function -> the library's, where they differ.
_LIBRARY_NAMES: Final[dict[str, str]] = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "Abs": "abs",
    "sign": "sgn",
}


def _sign(sympy: Any, u: Any) -> Any:
    """1 for u >= 0, and -1: the sign that 0 has in atan2."""
    return 2 * sympy.Heaviside(u, 1) - 1


def _atan2(sympy: Any, y: Any, x: Any) -> Any:
    r"""$\sigma(x)\,2\arctan\frac{y}{\sqrt{x^2+y^2}+|x|} + [x<0]\,\pi\,\sigma(y)$.

    Nothing cancels, and nothing is infinite at x = 0; |x| is x + 2 max(0, -x), so the derivative is right there too.
    """
    size = sympy.sqrt(x**2 + y**2) + x + 2 * sympy.Max(0, -x)
    behind = 1 - sympy.Heaviside(x, 1)
    return 2 * _sign(sympy, x) * sympy.atan(y / size) + sympy.pi * behind * _sign(sympy, y)


def _step(sympy: Any, u: Any, at_zero: Any = None) -> Any:
    at_zero = sympy.Rational(1, 2) if at_zero is None else at_zero
    if at_zero == 0:
        return 1 - sympy.Heaviside(-u, 1)
    if at_zero == sympy.Rational(1, 2):
        return (1 + sympy.sign(u)) / 2
    raise InputError(f"the term Heaviside({shown(u)}, {at_zero}) is compiled for 0, 1/2 or 1 at 0 only.")


# Other functions: what they are made of.
_MADE_OF: Final[dict[str, Callable[..., Any]]] = {
    "sech": lambda sympy, u: 1 / sympy.cosh(u),
    "csch": lambda sympy, u: 1 / sympy.sinh(u),
    "coth": lambda sympy, u: 1 / sympy.tanh(u),
    "asec": lambda sympy, u: sympy.acos(1 / u),
    "acsc": lambda sympy, u: sympy.asin(1 / u),
    "acot": lambda sympy, u: sympy.atan(1 / u),
    "asech": lambda sympy, u: sympy.acosh(1 / u),
    "acsch": lambda sympy, u: sympy.asinh(1 / u),
    "acoth": lambda sympy, u: sympy.atanh(1 / u),
    "atan2": _atan2,
    # sympy writes these where nothing says that its symbols are real; the data are.
    "re": lambda _, u: u,
    "conjugate": lambda _, u: u,
    "im": lambda sympy, _: sympy.Integer(0),
    "Heaviside": _step,
}


def edge(sympy: Any, part: Any) -> tuple[str, Any] | None:
    """The name of the edge that a part of a formula is, and its argument; None where it is no function of one argument.

    Powers: of a number as exp, of one expression to another as exp(log).
    """
    if part.is_Symbol:
        return "x", part
    if part.is_Pow:
        base, exponent = part.base, part.exp
        if exponent.is_number:
            return _power(part), base
        if base.is_number:
            if not base.is_positive:
                raise InputError(
                    f"the term {shown(part)} is a power of {shown(base)}, which is real for whole exponents only."
                )
            return "exp", exponent * sympy.log(base)
        return "exp", exponent * sympy.log(base)
    if part.func is sympy.Max and len(part.args) == 2 and 0 in part.args:
        return "relu", next(u for u in part.args if u != 0)
    if part.func is sympy.Heaviside and part.args[1] == 1:
        return "step", part.args[0]
    name = _LIBRARY_NAMES.get(part.func.__name__, part.func.__name__)
    return (name, part.args[0]) if name in LIBRARY and len(part.args) == 1 else None


def _power(part: Any) -> str:
    """The library's name of a power: exact where the exponent is a fraction."""
    exponent = part.exp
    value = real(exponent, part)
    if exponent.is_Rational and exponent.q != 1:
        return f"x^({exponent.p}/{exponent.q})"
    return f"x^{exponent.p}" if exponent.is_Integer else f"x^{value!r}"


def made_of(sympy: Any, part: Any) -> Any | None:
    """A function in terms of others, where it is one of several arguments or one without an edge of its own."""
    if part.func is sympy.Max:
        # A number first, so that the rest is one edge of it; not 0, which would give the same maximum again.
        first = min((u for u in part.args if u != 0), key=lambda u: not u.is_number)
        others = part.func(*[u for u in part.args if u != first])
        return first + sympy.Max(0, others - first)
    if part.func is sympy.Min:
        return -sympy.Max(*[-u for u in part.args])
    if part.is_Piecewise:
        return made_of_pieces(sympy, part)
    made = _MADE_OF.get(part.func.__name__)
    return None if made is None else made(sympy, *part.args)
