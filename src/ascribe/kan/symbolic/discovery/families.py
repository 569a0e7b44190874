"""Families of functions f(u; p) with their slopes in u and p: what an edge of a fast symbolic network may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ascribe.errors import need


class Jet(NamedTuple):
    """A function's value, its slope, and its slope in the exponent where it has one."""

    value: Tensor
    slope: Tensor
    by_power: Tensor | None = None


class Family(NamedTuple):
    """A family for tensors and for expressions; p is used by powers only."""

    name: str
    jet: Callable[[Tensor, Tensor], Jet]
    sympy: Callable[[Any, Any], Any]


def _even_power(u: Tensor, p: Tensor) -> Jet:
    size = u.abs().clamp(min=1e-150)
    value = size.pow(p)
    return Jet(value, p * value / torch.where(u == 0, size, u), value * size.log())


def _odd_power(u: Tensor, p: Tensor) -> Jet:
    size = u.abs().clamp(min=1e-150)
    value = size.pow(p)
    return Jet(u.sign() * value, p * value / size, u.sign() * value * size.log())


def _even_expression(u: Any, p: Any) -> Any:
    sympy = need("sympy", extra="pykan")
    return u**p if not sympy.sympify(p).is_integer or p % 2 == 0 else sympy.Abs(u) ** p


def _odd_expression(u: Any, p: Any) -> Any:
    sympy = need("sympy", extra="pykan")
    return u**p if sympy.sympify(p).is_integer and p % 2 == 1 else sympy.sign(u) * sympy.Abs(u) ** p


def _exp(u: Tensor, p: Tensor) -> Jet:
    value = u.exp()
    return Jet(value, value)


def _tanh(u: Tensor, p: Tensor) -> Jet:
    value = u.tanh()
    return Jet(value, 1 - value * value)


def _coth(u: Tensor, p: Tensor) -> Jet:
    value = 1 / u.tanh()
    return Jet(value, 1 - value * value)


def _gaussian(u: Tensor, p: Tensor) -> Jet:
    value = (-u * u).exp()
    return Jet(value, -2 * u * value)


def _named(name: str) -> Callable[[Any, Any], Any]:
    return lambda u, p: getattr(need("sympy", extra="pykan"), name)(u)


FAMILIES: tuple[Family, ...] = (
    Family("identity", lambda u, p: Jet(u, torch.ones_like(u)), lambda u, p: u),
    Family("even power", _even_power, _even_expression),
    Family("odd power", _odd_power, _odd_expression),
    Family("exp", _exp, _named("exp")),
    Family("log", lambda u, p: Jet(u.log(), 1 / u), _named("log")),
    Family("sin", lambda u, p: Jet(u.sin(), u.cos()), _named("sin")),
    Family("tanh", _tanh, _named("tanh")),
    Family("coth", _coth, _named("coth")),
    Family("asin", lambda u, p: Jet(u.asin(), (1 - u * u).rsqrt()), _named("asin")),
    Family("gaussian", _gaussian, lambda u, p: need("sympy", extra="pykan").exp(-(u**2))),
)
NUMBER: dict[str, int] = {family.name: i for i, family in enumerate(FAMILIES)}
