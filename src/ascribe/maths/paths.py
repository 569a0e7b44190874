"""Paths from a reference to a point: straight, through corners, or any curve; a path is one or more smooth legs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor


@final
@dataclass(frozen=True)
class Straight:
    r"""$\gamma(t) = z_0 + t\,(z - z_0)$."""


@final
@dataclass(frozen=True, repr=False)
class Polyline:
    """From the reference through these points, in this order, to the point; on each leg in equal time.

    Each is given as a baseline is: one row, one for each row of x, or a number; at a layer, as the layer's value is.
    """

    through: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"Polyline({len(self.through)} points)"


@final
@dataclass(frozen=True)
class Curve:
    r"""$\gamma(t)$ as a function `point(t, z0, z)` made of torch operations, with $\gamma(0) = z_0$, $\gamma(1) = z$.

    `t` has one entry a row and fits `z` by broadcasting, and `z0` and `z` are (n, *shape); the speed comes by itself.
    Of several inputs, the flattened parts stand side by side.

    >>> path = Curve(lambda t, z0, z: z0 + t**2 * (z - z0))
    >>> Leg(torch.zeros(1, 2), torch.ones(1, 2), path.point).at(torch.tensor([0.5]), torch.tensor([0]))[1]
    tensor([[1., 1.]])
    """

    point: Callable[[Tensor, Tensor, Tensor], Tensor]


Path = Straight | Polyline | Curve


@final
@dataclass(frozen=True)
class Leg:
    """A smooth part of the paths of all rows: straight from start to end, or along a curve."""

    start: Float[Tensor, "any *shape"]
    end: Float[Tensor, "one_or_all *shape"]
    curve: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None

    def points(self, t: Float[Tensor, " n"], row: Int[Tensor, " n"]) -> Float[Tensor, "n *shape"]:
        """Where these rows are at their times."""
        start, end = of_row(self.start, row), of_row(self.end, row)
        t = column(t.to(end.dtype), end)
        return torch.lerp(start, end, t) if self.curve is None else self.curve(t, start, end)

    def at(
        self, t: Float[Tensor, " n"], row: Int[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n *shape"], Float[Tensor, "n *shape"]]:
        r"""The points and the speeds $\gamma'(t)$ of these rows at their times."""
        start, end = of_row(self.start, row), of_row(self.end, row)
        t = column(t.to(end.dtype), end)
        if self.curve is None:
            return torch.lerp(start, end, t), end - start
        with torch.enable_grad():
            t = t.requires_grad_()
            point = self.curve(t, start, end)
            return point.detach(), _along(point, t)


def _along(point: Float[Tensor, "n *shape"], t: Tensor) -> Float[Tensor, "n *shape"]:
    """The derivative of every row's point by its own time: that, by a dummy, of the backward pass."""
    dummy = torch.zeros_like(point, requires_grad=True)
    if not point.requires_grad:
        return torch.zeros_like(point)
    (back,) = torch.autograd.grad(point, t, dummy, create_graph=True)
    return torch.autograd.grad(back, dummy, torch.ones_like(t))[0]


def of_row(place: Float[Tensor, "any *shape"], row: Int[Tensor, " n"]) -> Float[Tensor, "n *shape"]:
    """The places of these data rows: one for each, or one for all."""
    return place[row] if len(place) > 1 else place.expand(len(row), *place.shape[1:])


def column(weight: Float[Tensor, " n"], like: Float[Tensor, "..."]) -> Tensor:
    """One weight a row, to be multiplied with tensors like this."""
    return weight.reshape(-1, *[1] * (like.ndim - 1))
