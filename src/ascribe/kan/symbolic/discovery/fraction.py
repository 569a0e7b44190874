r"""A quotient of two sums fitted to z by least squares: $\sum_i c_i \phi_i / (1 + \sum_j d_j \psi_j)$."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

_STEPS = 12
# The shortest part of a step that is tried, and a gain that ends the steps.
_SHORTEST, _SMALL = 1 / 32, 1e-6
# Solutions of the linear equation, each weighted by the one before.
_REWEIGHTED = 3

Key = tuple[tuple[int, ...], tuple[int, ...]]


class Fraction(NamedTuple):
    """The columns above and below the bar, their numbers in this order, and the weighted squares that are `left` of z.

    `tangent` is the slope of the weighted values in every number; the values times `under` are what stands above.
    """

    key: Key
    numbers: Float[Tensor, " terms"]
    tangent: Float[Tensor, "terms n"]
    values: Float[Tensor, " n"]
    under: Float[Tensor, " n"]
    left: float


def fitted(
    columns: Float[Tensor, "columns n"],
    z: Float[Tensor, " n"],
    weight: Float[Tensor, " n"],
    key: Key,
    start: Float[Tensor, " terms"] | None = None,
) -> Fraction | None:
    r"""The quotient of these columns that is nearest to z, each row with its weight: Gauss-Newton steps from a start.

    Without one, from the linear equation $z (1 + d\psi) = c\phi$, reweighted until its errors are those of z
    (Sanathanan & Koerner 1963). None where the start has a pole among the data; no step goes over one.
    """
    upper, lower = columns[list(key[0])], columns[list(key[1])]
    n = len(upper)

    def at(numbers: Tensor) -> Fraction | None:
        under = 1 + numbers[n:] @ lower
        if float(under.amin()) * float(under.amax()) <= 0:
            return None
        values, by = (numbers[:n] @ upper) / under, weight / under
        left = float(((z - values) * weight).square().sum())
        tangent = torch.cat([upper * by, -lower * (by * values)])
        return Fraction(key, numbers, tangent, values, under, left) if math.isfinite(left) else None

    best = at(_linear(upper, lower, z, weight) if start is None else start)
    if best is None:
        return None
    for _ in range(_STEPS):
        step, size = _least_squares(best.tangent, (z - best.values) * weight), 1.0
        there = at(best.numbers + step)
        while (there is None or there.left >= best.left) and size > _SHORTEST:
            size /= 2
            there = at(best.numbers + size * step)
        if there is None or there.left >= best.left:
            break
        small = best.left - there.left < _SMALL * best.left
        best = there
        if small:
            break
    return best


def _linear(upper: Tensor, lower: Tensor, z: Tensor, weight: Tensor) -> Tensor:
    system, by = torch.cat([upper, -z * lower]), weight
    numbers = z.new_zeros(len(system))
    for _ in range(_REWEIGHTED):
        numbers = _least_squares(system * by, z * by)
        under = (1 + numbers[len(upper) :] @ lower).abs()
        by = weight / under.clamp(min=1e-3 * float(under.amax()))
    return numbers


def _least_squares(rows: Float[Tensor, "terms n"], z: Float[Tensor, " n"]) -> Float[Tensor, " terms"]:
    return torch.linalg.lstsq(rows.T, z[:, None], driver="gelsd").solution[:, 0]
