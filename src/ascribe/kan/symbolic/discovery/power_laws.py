r"""One product of powers: $y = c \prod_i x_i^{p_i}$, of the variables that are positive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ascribe.errors import InputError, need
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.snap import snap

# Share of a column beyond others that is rounding.
_FREE = 1e-7


def power_laws(branch: Branch) -> Iterator[Any]:
    """The formula of h fitted by least squares, from logarithms in which a row counts as its noise there allows.

    None without variables or rows that have logarithms.
    """
    sympy = need("sympy", extra="pykan")
    y = branch.target
    sign = 1.0 if float(y.median()) > 0 else -1.0
    seen = sign * y > 2 * branch.noise_of_target
    symbols = [symbol for symbol in branch.symbols if symbol.is_positive]
    positive = [branch.symbols.index(symbol) for symbol in symbols]
    if not positive or int(seen.sum()) <= len(positive) + 1:
        return
    size = (sign * y)[seen]
    # An error e of y is one of e/y of its logarithm.
    system = torch.cat([torch.ones_like(size)[None], branch.inputs[positive][:, seen].log()]) * size
    # Of columns that stand twice, or are powers of each other, the first; none that are constant.
    free = torch.linalg.qr(system.T).R.diagonal().abs() > _FREE * system.norm(dim=1)
    chosen = [symbol for symbol, one in zip(symbols, free[1:].tolist(), strict=True) if one]
    constant, *exponents = torch.linalg.lstsq(system[free].T, (size.log() * size)[:, None]).solution[:, 0].tolist()
    powers = [symbol ** sympy.Float(p) for symbol, p in zip(chosen, exponents, strict=True)]
    start = sympy.Mul(sympy.Float(sign) * sympy.exp(sympy.Float(constant)), *powers)
    try:
        yield snap(start, branch.symbols, branch.inputs.T, y).expression
    except InputError:
        return
