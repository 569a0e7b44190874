"""The functions that edges may be, by name."""

from __future__ import annotations

import copyreg
import difflib
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.symbolic import functions
from ascribe.kan.symbolic.domain import Domain, everywhere
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
    name = function.name if isinstance(function, Function) else function
    name = ALIASES.get(name, name)
    if name in LIBRARY:
        return LIBRARY[name]
    match = _POWER.fullmatch(name)
    if match and match["p"]:
        p = Fraction(match["p"].strip("()"))
        if p and float(p) != 0:
            made = power(-p if match["below"] else p)
            return LIBRARY.get(made.name, made)
    near = difflib.get_close_matches(name, [*LIBRARY, *ALIASES], n=4, cutoff=0.3)
    raise InputError(
        f"no function is named {name!r}; "
        + (f"near it are {', '.join(map(repr, near))}; " if near else "")
        + "pass one of ascribe.kan.symbolic.library.LIBRARY, or first add_symbolic(name, function)."
    )


def add_symbolic(
    name: str,
    fun: Callable[[Tensor], Tensor],
    c: float | int = 1,
    sympy: Callable[[Any], Any] | None = None,
    domain: Domain = everywhere,
) -> Function:
    """Add a function of your own to the library, for this process; files name it, and need it there again.

    `c` is its complexity; `sympy` makes its expression, an undefined function of that name where it is not given.
    Raises InputError for a name that is taken, or what does not work entry by entry.
    """
    probe = torch.tensor([0.25, 0.5])
    value: Any = fun(probe) if callable(fun) else None
    if not isinstance(value, Tensor) or value.shape != probe.shape:
        raise InputError(
            f"{name!r}: fun={fun!r} does not take a tensor to one of the same shape; pass a function such as torch.sin."
        )
    if name in LIBRARY or name in ALIASES or _POWER.fullmatch(name):
        raise InputError(f"a function is named {name!r} already; choose another name.")

    def undefined(u: Any) -> Any:
        return need("sympy", extra="pykan").Function(name)(u)

    LIBRARY[name] = Function(name, fun, sympy or undefined, c, domain)
    return LIBRARY[name]


def _by_name(function: Function) -> tuple[Callable[[str], Function], tuple[str]]:
    return function_named, (function.name,)


# What holds a function can be copied and pickled: the name stands for it, as in files.
copyreg.pickle(Function, _by_name)
