"""From the text of a formula to a network."""

from __future__ import annotations

from typing import Any, SupportsIndex, TypeVar

import torch

from ascribe.kan.compile.build import Ranges, compiled_as
from ascribe.kan.structure import Network
from ascribe.kan.symbolic.formula import Formula
from ascribe.kan.symbolic.parse import parse

Net = TypeVar("Net", bound=Network)


def from_formula(
    kind: type[Net],
    formula: Any,
    variables: Any = None,
    grid: SupportsIndex = 5,
    k: SupportsIndex = 3,
    ranges: Ranges | None = None,
    dtype: torch.dtype | None = None,
    device: torch.types.Device = "cpu",
) -> Net:
    """The network that computes a formula.

    `formula` is a text ("exp(sin(pi*x) + y^2)"), an expression of sympy's, a list of either, one output each, or what
    `symbolic_formula` read from another network.

    `variables` names the columns of its data, in their order; without it they are the names that the formula holds, in
    the order of the alphabet. Text is read by a grammar of its own (`ascribe.kan.symbolic.parse`) and never run; the
    rest is as in `kanpiler`.

    >>> from ascribe import KAN
    >>> kan = KAN.from_formula("3*sin(x)*y + 1")
    >>> kan.names, kan.width
    (['x', 'y'], [[2, 0], [0, 1]])
    """
    if isinstance(formula, Formula):
        variables = formula.variables if variables is None else variables
        formula = list(formula.expressions)
    given: list[Any] = list(formula) if isinstance(formula, (list, tuple)) else [formula]
    if variables is None:
        read = [parse(one) if isinstance(one, str) else one for one in given]
        free = {symbol for one in read for symbol in getattr(one, "free_symbols", ())}
        # A constant takes data too: one column that it does not look at.
        variables = sorted(free, key=str) or ["x"]
        given = read
    return compiled_as(kind, variables, given, grid, k, ranges, dtype, device)
