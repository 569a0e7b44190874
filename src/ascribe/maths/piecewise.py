"""Piecewise polynomials by their kinks, and their odd extensions in windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.extension import OddExtension, kinked_extension, left_out

# From a window's end so far to its inside that rounding does not put a break on its other side.
_INSIDE = 1e-9


@final
@dataclass(frozen=True)
class Piecewise:
    """Functions of several subnodes: where they are kinked, by how much, and what they are in between.

    `jumps` holds those of the derivatives 0 (where there is none) to the degree; `derivatives` gives all of these.
    """

    breaks: Float[Tensor, "subnodes breaks"]
    jumps: Float[Tensor, "subnodes breaks orders outputs"]
    derivatives: Callable[[Float[Tensor, "n subnodes"]], Float[Tensor, "n subnodes orders outputs"]]

    @classmethod
    def of(
        cls,
        breaks: Float[Tensor, "subnodes breaks"],
        derivatives: Callable[[Float[Tensor, "n subnodes"]], Float[Tensor, "n subnodes orders outputs"]],
    ) -> Piecewise:
        """From its derivatives, looked at in the middle of every piece."""
        ordered = breaks.sort(1).values
        low, high = ordered[:, :1] - 1, ordered[:, -1:] + 1
        middles = torch.cat([low, (ordered[:, 1:] + ordered[:, :-1]) / 2, high], 1)
        at = derivatives(middles.T).transpose(0, 1)
        before = _shifted(at[:, :-1], ordered - middles[:, :-1])
        after = _shifted(at[:, 1:], ordered - middles[:, 1:])
        jumps = after - before
        jumps[:, :, 0] = 0
        return cls(ordered, jumps, derivatives)

    def extension(
        self,
        centre: Float[Tensor, "windows subnodes"],
        radius: Float[Tensor, "windows subnodes"],
        target: Float[Tensor, "windows outputs"],
        most: int,
        fits: int,
    ) -> OddExtension | None:
        """With as many terms as the worst window needs to leave out no more than its target, but not more than `most`.

        Nothing where these are more than `fits`. The variable runs from -1 to 1 over a window.
        """
        orders = self.jumps.shape[2]
        powers = radius[..., None] ** torch.arange(orders, dtype=radius.dtype, device=radius.device)
        apart = self.breaks - centre[..., None]
        # Where a window is a point, nothing moves and no break is inside.
        breaks = torch.where(radius[..., None] > 0, apart / radius[..., None], torch.inf)
        inside = breaks.abs() < 1 - _INSIDE
        breaks = torch.where(inside, breaks, 2.0)
        jumps = self.jumps * powers[:, :, None, :, None] * inside[..., None, None]
        terms = 16
        while terms < most and bool((left_out(jumps, terms) > target[:, None]).any()):
            terms *= 2
        if terms > fits:
            return None
        ends = self._end(centre, radius, 1) - self._end(centre, radius, -1)
        return kinked_extension(breaks, jumps, ends * powers[..., None], terms)

    def _end(self, centre: Tensor, radius: Tensor, side: int) -> Float[Tensor, "windows subnodes orders outputs"]:
        """The derivatives at an end of the windows, as seen from inside."""
        at = self.derivatives(centre + side * (1 - _INSIDE) * radius)
        return _shifted(at, side * _INSIDE * radius)


def _shifted(
    derivatives: Float[Tensor, "*points orders outputs"], by: Float[Tensor, "*points"]
) -> Float[Tensor, "*points orders outputs"]:
    """The derivatives of the same polynomial a step further: Taylor's series, which ends."""
    orders = derivatives.shape[-2]
    moved = [
        sum(
            (derivatives[..., q, :] * (by[..., None] ** (q - p) / factorial(q - p)) for q in range(p + 1, orders)),
            start=derivatives[..., p, :],
        )
        for p in range(orders)
    ]
    return torch.stack(moved, -2)
