"""The base functions of an edge and their derivatives of any order."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from ascribe.errors import InputError

Derivative = Callable[[Tensor, int], Tensor]


@lru_cache
def _sigmoid_polynomial(derivative: int) -> tuple[float, ...]:
    """Coefficients of the polynomial P with sigmoid^(d)(x) = P(sigmoid(x)): every step is P' (s - s^2)."""
    if derivative == 0:
        return (0.0, 1.0)
    before = _sigmoid_polynomial(derivative - 1)
    after = [0.0] * (len(before) + 1)
    for power, coefficient in enumerate(before):
        after[power] += power * coefficient
        after[power + 1] -= power * coefficient
    return tuple(after)


def _sigmoid_derivative(s: Tensor, derivative: int) -> Tensor:
    value = torch.zeros_like(s)
    for coefficient in reversed(_sigmoid_polynomial(derivative)):
        value = value * s + coefficient
    return value


def _silu(x: Tensor, derivative: int) -> Tensor:
    s = torch.sigmoid(x)
    if derivative == 0:
        return x * s
    if derivative == 1:
        return torch.addcmul(s, x * s, 1 - s)
    return x * _sigmoid_derivative(s, derivative) + derivative * _sigmoid_derivative(s, derivative - 1)


def _identity(x: Tensor, derivative: int) -> Tensor:
    if derivative == 0:
        return x
    # x * 0 and not zeros: what is not a number stays so.
    return x * 0 + (1.0 if derivative == 1 else 0.0)


def _zero(x: Tensor, derivative: int) -> Tensor:
    return x * 0


BASES: dict[str, Derivative] = {"silu": _silu, "identity": _identity, "zero": _zero}


def base_function(name: str) -> Derivative:
    """The function `(x, derivative) -> values` of a base named as in `BASES`.

    Raises InputError for another name.

    >>> base_function("silu")(torch.tensor([0.0]), 1)
    tensor([0.5000])
    """
    if name not in BASES:
        raise InputError(f"base_fun={name!r} is not known; pass one of {', '.join(map(repr, BASES))}.")
    return BASES[name]
