"""Edges of other families than B-splines: functions of [-1, 1], stretched over the range of every input's grid."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.maths.families import FAMILIES
from ascribe.maths.families.family import Family
from ascribe.maths.kernels.basis import Basis


def family_named(name: str) -> Family:
    """The family of that name.  Raises InputError for another."""
    if name not in FAMILIES:
        known = ", ".join(map(repr, ["bspline", *FAMILIES]))
        raise InputError(f"edge={name!r} is not known; pass one of {known}.")
    return FAMILIES[name]


def expansion(x: Float[Tensor, "inputs n"], basis: Basis, highest: int = 0) -> list[Float[Tensor, "inputs bases n"]]:
    """The bases at x and their derivatives up to the highest, by operations that torch can differentiate and trace.

    Only the ends of a grid count. Outside them a function goes on as a straight line ("linear"), or is 0 ("zero": it
    jumps there, and the ends themselves are inside). Where a grid is one point, all functions are constant.
    """
    low, high = (end[:, None] for end in basis.range)
    wide = high - low > torch.finfo(x.dtype).tiny
    stretch = torch.where(wide, 2 / torch.where(wide, high - low, 1), 0)
    linear = basis.extrapolate == "linear"
    clamped = torch.clamp(x, low, high)
    on_unit = family_named(basis.family).derivatives(
        (clamped - low) * stretch - 1, basis.bases, basis.order, max(1, highest) if linear else highest
    )
    found = [f * (stretch**d)[:, None] if d else f for d, f in enumerate(on_unit)]
    if linear:
        found[0] = torch.addcmul(found[0], (x - clamped)[:, None], found[1])
    # What is not a number is neither below nor above: it stays so.
    outside = ((x < low) | (x > high))[:, None]
    first = 2 if linear else 0
    return (found[:first] + [torch.where(outside, 0, f) for f in found[first:]])[: highest + 1]
