"""Inputs that may not leave their grids."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.maths.kernels.watch import watched


def confined(
    x: Float[Tensor, "n inputs"],
    ends: tuple[Float[Tensor, " inputs"], Float[Tensor, " inputs"]],
    splined: Bool[Tensor, " inputs"],
    numbers: Sequence[int],
    advice: str,
) -> Float[Tensor, "n inputs"]:
    """x itself, where every input with a spline lies between its ends; a program that cannot raise gives NaN elsewhere.

    Raises InputError that names the input, by its number, and ends in the advice.
    """
    low, high = ends
    outside = ((x < low) | (x > high)) & splined
    if watched(x):
        return torch.where(outside, torch.nan, x)
    found = outside.any(0).nonzero()[:, 0].tolist()
    if found:
        i = found[0]
        place = f"[{low[i]:.4g}, {high[i]:.4g}]"
        raise InputError(f"input {numbers[i]} leaves its grid {place} (as do {len(found) - 1} others); {advice}")
    return x
