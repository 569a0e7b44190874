"""The functions that edges may be, by name."""

from __future__ import annotations

import copyreg
import difflib
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.symbolic import functions
from ascribe.kan.symbolic.domain import Domain, everywhere
from ascribe.kan.symbolic.evaluate import UNARY
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.functions.power import power

_POWER = re.compile(r"(?P<below>1/)?x(\^(?P<p>-?\d+(\.\d*)?(e-?\d+)?|\(-?\d+/\d+\)))?")


def _exported() -> dict[str, Function]:
    found: list[Function] = []
    for value in vars(functions).values():
        found += [value] if isinstance(value, Function) else value if isinstance(value, tuple) else []
    return {function.name: function for function in found}


LIBRARY: dict[str, Function] = _exported()
# Other spellings, pykan's among them.
ALIASES: dict[str, str] = {"sqrt": "x^0.5", "1/sqrt(x)": "1/x^0.5"}


def function_named(function: str | Function) -> Function:
    """The function of a name: one of the library, another spelling of it, or any real power.

    Raises InputError for another name.

    >>> function_named("x^2.5").name, function_named("sqrt").name, function_named("x^-2").name
    ('x^2.5', 'x^0.5', '1/x^2')
    """
    name: Any = function.name if isinstance(function, Function) else function
    if not isinstance(name, str):
        raise InputError(
            f"{name!r} is no name of a function; pass one, as 'sin', or first add_symbolic(name, function)."
        )
    name = ALIASES.get(name, name)
    if name in LIBRARY:
        return LIBRARY[name]
    match = _POWER.fullmatch(name)
    p = _exponent(match["p"]) if match and match["p"] else None
    if match and p:
        made = power(-p if match["below"] else p)
        return LIBRARY.get(made.name, made)
    near = difflib.get_close_matches(name, [*LIBRARY, *ALIASES], n=4, cutoff=0.3)
    raise InputError(
        f"no function is named {name!r}; "
        + (f"near it are {', '.join(map(repr, near))}; " if near else "")
        + "pass one of ascribe.kan.symbolic.library.LIBRARY, or first add_symbolic(name, function)."
    )


def _exponent(text: str) -> Fraction | None:
    """What is written, where a float64 can hold it."""
    try:
        p = Fraction(text.strip("()"))
        return p if float(p) else None
    except (ZeroDivisionError, OverflowError):
        return None


def add_symbolic(
    name: str,
    fun: Callable[[Tensor], Tensor],
    c: float | int = 1,
    sympy: Callable[[Any], Any] | None = None,
    domain: Domain = everywhere,
) -> Function:
    """Add a function of your own to the library, for this process; files name it, and need it there again.

    `c` is its complexity; `sympy` makes its expression, an undefined function of that name where it is not given.
    Raises InputError for a name that is taken, a complexity that is no number, or what does not work entry by entry.
    """
    if not isinstance(name, str) or not name:  # pyright: ignore[reportUnnecessaryIsInstance] - users' values
        raise InputError(f"name={name!r} is no name; pass a text, as 'bump'.")
    if not isinstance(c, float | int) or not math.isfinite(c):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"c={c!r} is no complexity; pass a number, as c=3.")
    if name in LIBRARY or name in ALIASES or _POWER.fullmatch(name) or (sympy is None and name in UNARY):
        raise InputError(f"a function is named {name!r} already; choose another name.")
    _require_entrywise(name, fun)

    def undefined(u: Any) -> Any:
        return need("sympy", extra="pykan").Function(name)(u)

    LIBRARY[name] = Function(name, fun, sympy or undefined, c, domain)
    return LIBRARY[name]


def _require_entrywise(name: str, fun: Callable[[Tensor], Tensor]) -> None:
    # It has to take gradients: numpy's functions do not.
    probe = torch.tensor([0.25, 0.5], dtype=torch.float64, requires_grad=True)
    why: Exception | None = None
    same = False
    try:
        with torch.enable_grad():
            whole, parts = fun(probe), torch.cat([fun(each) for each in probe.split(1)])
        same = (
            whole.shape == probe.shape and whole.dtype == probe.dtype and torch.allclose(whole, parts, equal_nan=True)
        )
    # Whatever a user's function does wrong is said.
    except Exception as error:
        why = error
    if not same:
        raise InputError(
            f"{name!r}: fun={fun!r} does not take a tensor, entry by entry, to one of the same shape and dtype"
            f"{'' if why is None else f' ({why})'}; pass a function such as torch.sin."
        ) from why


def _by_name(function: Function) -> tuple[Callable[[str], Function], tuple[str]]:
    return function_named, (function.name,)


# What holds a function can be copied and pickled: the name stands for it, as in files.
copyreg.pickle(Function, _by_name)
