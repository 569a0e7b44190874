r"""Fewer variables: factors that split off, and pairs that count only as one number.

Whether $y = u(x_i)\,h(\text{rest})$, or $y = h(x_i \circ x_j, \text{rest})$, is asked of the data by regression: if it
is true, polynomials in fewer variables (so of higher degree, at an equal number of terms) fit y better than those in
all of them. Each step is a layer of a network: a difference is a sum node, a ratio or a factor a multiplication node.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import need
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.columns import one_signed

# Terms of the polynomials, and rows that they are fitted to.
_TERMS, _ROWS = 130, 600
# Relative variance that is rounding.
_FLOOR = 1e-15
# A step is taken when it leaves less than this share of the variance that all variables leave.
_BETTER = 0.7


class Step(NamedTuple):
    """Branch after the step, and how it compares: the smaller, the surer."""

    branch: Branch
    score: float


def reduced(branch: Branch) -> Branch:
    """The branch after all steps that the data ask for, the surest first."""
    while len(branch.x) > 1:
        base = _left(branch) + _FLOOR
        steps = (
            Step(made, _score(_left(made), base, preferred))
            for preferred, made in itertools.chain(_without_factor(branch), _with_pair(branch))
        )
        best = min(steps, key=lambda step: step.score, default=None)
        if best is None or best.score >= _BETTER:
            break
        branch = best.branch
    return branch


def extended(branch: Branch) -> Iterator[Branch]:
    """The branch with one pair of its variables as a further variable, beside both."""
    for i, j in itertools.combinations(range(len(branch.x)), 2):
        for values, expression in _pairs(branch.x[i], branch.x[j], branch.variables[i], branch.variables[j]):
            x, variables = torch.cat([branch.x, values[None]]), (*branch.variables, expression)
            yield replace(branch, x=x, variables=variables)


def _score(left: float, base: float, preferred: bool) -> float:
    # A fit down to rounding is true, whatever the base: among those, factors that split off come first.
    exact = left < 20 * _FLOOR
    return (left + _FLOOR) / base * ((1e-3 if preferred else 2e-3) if exact else 1.0)


def _without_factor(branch: Branch) -> Iterator[tuple[bool, Branch]]:
    for i, values in enumerate(branch.x):
        rest = [k for k in range(len(branch.x)) if k != i]
        for u, expression in _factors(values, branch.variables[i]):
            variables = tuple(branch.variables[k] for k in rest)
            weight, factor = branch.weight * u, branch.factor * expression
            yield True, replace(branch, x=branch.x[rest], weight=weight, variables=variables, factor=factor)


def _factors(values: Tensor, variable: Any) -> Iterator[tuple[Tensor, Any]]:
    sympy = need("sympy", extra="pykan")
    for twice in (2, -2, 4, -4, 1, -1, 3, -3, 6, -6):
        if bool((values > 0).all()) or (twice > 0 and twice % 2 == 0):
            yield values ** (twice / 2), variable ** sympy.Rational(twice, 2)
    yield values.sin(), sympy.sin(variable)
    yield values.cos(), sympy.cos(variable)


def _with_pair(branch: Branch) -> Iterator[tuple[bool, Branch]]:
    for i, j in itertools.combinations(range(len(branch.x)), 2):
        rest = [k for k in range(len(branch.x)) if k not in (i, j)]
        for values, expression in _pairs(branch.x[i], branch.x[j], branch.variables[i], branch.variables[j]):
            variables = (*(branch.variables[k] for k in rest), expression)
            yield False, replace(branch, x=torch.cat([branch.x[rest], values[None]]), variables=variables)


def _pairs(a: Tensor, b: Tensor, first: Any, second: Any) -> Iterator[tuple[Tensor, Any]]:
    yield a + b, first + second
    yield a - b, first - second
    yield a * b, first * second
    yield a * a + b * b, first**2 + second**2
    yield a * a - b * b, first**2 - second**2
    if one_signed(b):
        yield a / b, first / second
    elif one_signed(a):
        yield b / a, second / first


def _left(branch: Branch) -> float:
    """The share of y's variance that polynomials in the variables, times the weight, leave."""
    some = slice(_ROWS)
    return _unexplained(polynomials(branch.x[:, some]) * branch.weight[some], branch.y[some])


def beyond_sums(x: Float[Tensor, "variables n"], y: Float[Tensor, " n"]) -> float:
    """The share of y's variance that sums of functions of one variable leave."""
    some = slice(_ROWS)
    terms = [_chebyshev(values[some], 16)[1:] for values in x]
    return _unexplained(torch.cat([torch.ones_like(y[None, some]), *terms]), y[some])


def _unexplained(terms: Float[Tensor, "terms n"], y: Float[Tensor, " n"]) -> float:
    variance = y.var()
    count, rows = terms.shape
    if rows <= count:
        return math.inf
    terms = terms * (terms * terms).sum(1, keepdim=True).clamp(min=1e-300).rsqrt()
    gram = terms @ terms.T
    gram.diagonal().add_(1e-13)
    factor, failed = torch.linalg.cholesky_ex(gram)
    if bool(failed):
        return math.inf
    # Twice: the second solve takes back what the ridge and rounding have left.
    for _ in range(2):
        y = y - torch.cholesky_solve((terms @ y)[:, None], factor)[:, 0] @ terms
    return float((y * y).sum() / (rows - count) / variance)


def polynomials(x: Float[Tensor, "variables n"]) -> Float[Tensor, "terms n"]:
    """Products of Chebyshev polynomials up to the total degree that gives about 130 terms.

    One variable is also seen as 1/x and log x, where it keeps its sign.
    """
    if len(x) == 1:
        (only,) = x
        parts = [_chebyshev(only, 16)]
        if one_signed(only):
            parts.append(_chebyshev(1 / only, 10)[1:])
        if bool((only > 0).all()):
            parts.append(_chebyshev(only.log(), 10)[1:])
        return torch.cat(parts)
    highest = 1
    while math.comb(highest + 1 + len(x), len(x)) <= _TERMS:
        highest += 1
    terms, degree = x.new_ones(1, x.shape[1]), torch.zeros(1, dtype=torch.long)
    for values in x:
        terms = (_chebyshev(values, highest)[:, None] * terms).flatten(0, 1)
        degree = (torch.arange(highest + 1)[:, None] + degree).flatten()
        terms, degree = terms[degree <= highest], degree[degree <= highest]
    return terms


def _chebyshev(values: Float[Tensor, " n"], highest: int) -> Float[Tensor, "terms n"]:
    low, high = values.amin(), values.amax()
    u = (2 * values - low - high) / (high - low).clamp(min=1e-300)
    found = [torch.ones_like(u), u]
    while len(found) <= highest:
        found.append(2 * u * found[-1] - found[-2])
    return torch.stack(found[: highest + 1])
