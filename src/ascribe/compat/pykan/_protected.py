"""pykan's functions of x and a bound y_th, which have a number where 1/x, log, sqrt, tan, ... have none.

Each gives (where it leaves the function, the values). y_th is a number or a tensor of one. Unlike pykan's all are
continuous, and none has NaN in its gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.symbolic.edges import SymbolicEdges
from ascribe.kan.symbolic.function import Function

Bound = Tensor | float | int
Protected = Callable[[Tensor, Any], tuple[Any, Tensor]]


def _inverse(p: int) -> Protected:
    r"""$x^{-p}$; within $y_{th}^{-1/p}$ of 0 it is y_th for even p, and for odd p the line through 0."""

    def protected(x: Tensor, y_th: Bound) -> tuple[Bound, Tensor]:
        x_th = y_th ** (-1 / p)
        near = x.abs() < x_th
        inside = y_th * (x / x_th if p % 2 else torch.ones_like(x))
        return x_th, torch.where(near, inside, x.where(~near, 1.0) ** -p)

    return protected


f_inv, f_inv2, f_inv3, f_inv4, f_inv5 = (_inverse(p) for p in (1, 2, 3, 4, 5))


def f_sqrt(x: Tensor, y_th: Bound) -> tuple[Bound, Tensor]:
    r"""$\mathrm{sgn}(x) \sqrt{|x|}$, and a line within $y_{th}^{-2}$ of 0."""
    x_th = y_th**-2
    near = x.abs() < x_th
    return x_th, torch.where(near, y_th * x, x.sign() * x.abs().where(~near, 1.0).sqrt())


def f_power1d5(x: Tensor, y_th: Bound) -> tuple[tuple[()], Tensor]:
    r"""$|x|^{3/2}$."""
    return (), x.abs() ** 1.5


def f_invsqrt(x: Tensor, y_th: Bound) -> tuple[Bound, Tensor]:
    r"""$1 / \sqrt{|x|}$, at most y_th."""
    x_th = y_th**-2
    return x_th, x.abs().clamp(min=x_th).rsqrt()


def f_log(x: Tensor, y_th: Bound) -> tuple[Tensor, Tensor]:
    r"""$\log |x|$, at least -y_th."""
    x_th = torch.exp(-_like(x, y_th))
    return x_th, x.abs().clamp(min=x_th).log()


def f_tan(x: Tensor, y_th: Bound) -> tuple[Tensor, Tensor]:
    """tan x; where it is beyond y_th, the line that falls from y_th to -y_th through the pole."""
    delta = torch.pi / 2 - torch.arctan(_like(x, y_th))
    past = x % torch.pi - torch.pi / 2
    near = past.abs() < delta
    return delta, torch.where(near, -y_th * past / delta, torch.tan(x.where(~near, 0.0)))


def f_arctanh(x: Tensor, y_th: Bound) -> tuple[Tensor, Tensor]:
    """artanh x, between -y_th and y_th; these from 1 on."""
    delta = 1 - torch.tanh(_like(x, y_th))
    near = x.abs() < 1 - delta
    return delta, torch.where(near, torch.arctanh(x.where(near, 0.0)), y_th * x.sign())


def f_arcsin(x: Tensor, y_th: Bound) -> tuple[tuple[()], Tensor]:
    """arcsin x, which stays what it is at -1 and 1 beyond them."""
    near = x.abs() < 1
    return (), torch.where(near, torch.arcsin(x.where(near, 0.0)), torch.pi / 2 * x.sign())


def f_arccos(x: Tensor, y_th: Bound) -> tuple[tuple[()], Tensor]:
    """arccos x, which stays what it is at -1 and 1 beyond them."""
    return (), torch.pi / 2 - f_arcsin(x, y_th)[1]


def f_exp(x: Tensor, y_th: Bound) -> tuple[Tensor, Tensor]:
    """exp x, at most y_th."""
    x_th = torch.log(_like(x, y_th))
    return x_th, x.clamp(max=x_th).exp()


# By the native names of the functions; those that are added with a form of their own join.
PROTECTED: dict[str, Protected] = {
    "1/x": f_inv,
    "1/x^2": f_inv2,
    "1/x^3": f_inv3,
    "1/x^4": f_inv4,
    "1/x^5": f_inv5,
    "x^0.5": f_sqrt,
    "x^1.5": f_power1d5,
    "1/x^0.5": f_invsqrt,
    "log": f_log,
    "tan": f_tan,
    "arctanh": f_arctanh,
    "arcsin": f_arcsin,
    "arccos": f_arccos,
    "exp": f_exp,
}


def protected(function: Function) -> Protected:
    """The form of a function that has values everywhere.

    Where pykan has none, it is the function between -y_th and y_th, and 0 where that has no value.
    """

    def bounded(x: Tensor, y_th: Bound) -> tuple[tuple[()], Tensor]:
        bound = float(y_th)
        return (), function.torch(x).nan_to_num(0.0, bound, -bound).clamp(-bound, bound)

    return PROTECTED.get(function.name, bounded)


def protected_values(edges: SymbolicEdges, x: Float[Tensor, "n inputs"], y_th: Bound) -> Float[Tensor, "n edges"]:
    """Every symbolic edge at its input, with its function in the form that has values everywhere."""
    if edges.affine is None:
        return edges.values(x)
    a, b, c, d = edges.affine.unbind(1)
    parts = (a * x[:, edges.source] + b).split([count for _, count in edges.functions], 1)
    held = [protected(function)(part, y_th)[1] for (function, _), part in zip(edges.functions, parts, strict=True)]
    return c * torch.cat(held, 1) + d


def _like(x: Tensor, y_th: Bound) -> Tensor:
    return torch.as_tensor(y_th, dtype=x.dtype, device=x.device)
