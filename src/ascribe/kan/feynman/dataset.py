"""A problem as symbols, an expression, a function of data and ranges: what pykan's programs unpack."""

from __future__ import annotations

import difflib
from typing import Any

from ascribe.errors import InputError, need
from ascribe.kan.feynman.problems import PROBLEMS, Problem, Range
from ascribe.kan.symbolic.formula import Formula
from ascribe.kan.symbolic.parse import parse

# pykan's small problem beside the numbered ones.
_TEST = Problem(0, "test", "(x + y)*sin(exp(2*y))", {"x": (-1.0, 1.0), "y": (-1.0, 1.0)})


def problem(name: int | str) -> Problem:
    """The problem of a number from 1 to 120, or of a name ("I.6.20a", "Goldstein 3.16").

    Raises InputError for another number or name, with the names near it.

    >>> problem("I.26.2").formula
    'asin(n*sin(theta2))'
    """
    named = {called: p for p in (*PROBLEMS, _TEST) for called in (p.name, *p.aliases)}
    if isinstance(name, str) and name in named:
        return named[name]
    if isinstance(name, int) and 1 <= name <= len(PROBLEMS):
        return PROBLEMS[name - 1]
    near = difflib.get_close_matches(str(name), named, n=4, cutoff=0.4) if isinstance(name, str) else []
    raise InputError(
        f"there is no Feynman problem {name!r}; pass a number from 1 to {len(PROBLEMS)}"
        + (f", or a name such as {', '.join(map(repr, near))}." if near else ", or a name such as 'I.6.20a'.")
    )


def get_feynman_dataset(name: int | str) -> tuple[list[Any], Any, Formula, list[Range]]:
    """A problem's sympy symbols, its expression, its values as a function of data, and the range of every column.

    The function takes (rows, variables) to (rows, 1), in the dtype of the data.
    Raises InputError for a number or name that there is not.

    >>> import torch
    >>> symbols, expr, f, ranges = get_feynman_dataset(16)
    >>> expr, f(torch.tensor([[0.5, 2.0]])), ranges
    (k_s*x**2/2, tensor([[1.]]), [(0.0, 1.0), (-1.0, 1.0)])
    """
    found = problem(name)
    expr = parse(found.formula, found.variables)
    symbols = [need("sympy", extra="pykan").Symbol(variable) for variable in found.variables]
    return symbols, expr, Formula((expr,), tuple(symbols)), list(found.ranges.values())
