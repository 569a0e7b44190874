r"""Fewer variables: factors that split off, and pairs that count only as one number.

Whether $y = u(x_i)\,h(\text{rest})$, or $y = h(x_i \circ x_j, \text{rest})$, is asked of the data by regression: if it
is true, polynomials in fewer variables (so of higher degree, at an equal number of terms) fit y better than those in
all of them. Each step is a layer of a network: a difference is a sum node, a ratio or a factor a multiplication node.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ascribe.errors import need
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.columns import one_signed

# Relative variance that is rounding.
_FLOOR = 1e-15
# A step is taken when it leaves less than this share of the variance that all variables leave; where what it leaves is
# noise, not more than chance makes of it.
_BETTER, _AS_GOOD = 0.7, 1.05


class Step(NamedTuple):
    """Branch after the step, and how it compares: the smaller, the surer."""

    branch: Branch
    score: float


def reduced(branch: Branch) -> Branch:
    """The branch after all steps that the data ask for, the surest first."""
    while len(branch.x) > 1 and not branch.late:
        base = branch.left + _FLOOR
        steps = (
            Step(made, _score(made.left, base, preferred))
            for preferred, made in itertools.chain(_without_factor(branch), _with_pair(branch))
        )
        best = min(steps, key=lambda step: step.score, default=None)
        if best is None or best.score >= (_AS_GOOD if best.branch.noise else _BETTER):
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
