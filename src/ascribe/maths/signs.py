"""Coalitions as signs, 1 for the present and -1 for the absent: sums and means of products of signs."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float64
from torch import Tensor


def elementary(count: int, total: Float64[Tensor, "..."], degree: int) -> Float64[Tensor, "..."]:
    r"""$e_d$ of so many signs with this sum: the sum of all products of d of them, for d up to 4; 0 below 0.

    Source: Newton's identities; the even power sums of signs are their number, the odd ones their sum.
    """
    square = total.square()
    if degree < 0 or degree > count:
        return torch.zeros_like(total)
    if degree == 0:
        return torch.ones_like(total)
    if degree == 1:
        return total
    if degree == 2:
        return (square - count) / 2
    if degree == 3:
        return total * (square - (3 * count - 2)) / 6
    return (square * (square - (6 * count - 8)) + 3 * count * (count - 2)) / 24


def mean_product(count: int, present: Float64[Tensor, " sizes"], degree: int) -> Float64[Tensor, " sizes"]:
    """The mean product of the signs of `degree` of `count` players over the coalitions with so many present."""
    if degree < 0 or degree > count:
        return torch.zeros_like(present)
    found, ways = torch.zeros_like(present), math.perm(count, degree)
    for positive in range(degree + 1):
        term = torch.full_like(present, (-1.0) ** (degree - positive) * math.comb(degree, positive) / ways)
        for i in range(positive):
            term = term * (present - i)
        for i in range(degree - positive):
            term = term * (count - present - i)
        found += term
    return found
