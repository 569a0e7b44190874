"""The design of a spline layer written once, with what its statistics need."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels.base import base_function
from ascribe.maths.kernels.basis import Extrapolate
from ascribe.maths.kernels.recursion import table, write_splines

# Elements of one level of the recursion worked on together: larger arrays leave the cache and fault in new pages.
_BLOCK = 200_000


@dataclass(frozen=True)
class Design:
    """A design that is written once and read by a forward and a backward pass; no gradient flows through it."""

    values: Float[Tensor, "inputs terms n"]
    slopes: Float[Tensor, "inputs terms n"] | None
    mean: Float[Tensor, "inputs terms"] | None
    covariance: Float[Tensor, "inputs terms terms"] | None  # unbiased, in float64


def prepare(
    x: Float[Tensor, "n inputs"],
    knots: Float[Tensor, "inputs knots"],
    order: int,
    base: str,
    extrapolate: Extrapolate = "linear",
    *,
    slopes: bool,
    moments: bool,
) -> Design:
    """Evaluate the design block by block; `slopes` for a gradient in x, `moments` for the spread of edges."""
    with torch.no_grad():
        rows = x.detach().T
        inputs, n = rows.shape
        terms = knots.shape[1] - order
        t = table(knots, order, extrapolate)
        function = base_function(base)
        values = rows.new_empty(inputs, terms, n)
        slope = rows.new_empty(inputs, terms, n) if slopes else None
        mean = rows.new_zeros(inputs, terms, dtype=torch.float64) if moments else None
        covariance = rows.new_zeros(inputs, terms, terms, dtype=torch.float64) if moments else None
        step = max(1, _BLOCK // max(1, n * knots.shape[1]))
        length = n if step > 1 else max(1, _BLOCK // knots.shape[1])
        for first in range(0, inputs, step):
            block = slice(first, first + step)
            whole = step >= inputs
            part = t if whole else t.of(block)
            for start in range(0, n, max(1, length)):
                piece = slice(start, start + length)
                piece_x = rows[block, piece]
                values[block, 0, piece] = function(piece_x, 0)
                to = None
                if slope is not None:
                    slope[block, 0, piece] = function(piece_x, 1)
                    to = slope[block, 1:, piece]
                write_splines(piece_x, part, values[block, 1:, piece], to)
            if mean is not None and covariance is not None and n > 1:
                exact = values[block].double()
                centre = exact.mean(-1)
                exact = exact - centre[..., None]
                mean[block] = centre
                covariance[block] = exact @ exact.mT / (n - 1)
        return Design(values, slope, mean if mean is None else mean.to(x.dtype), covariance)
