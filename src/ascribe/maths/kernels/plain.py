"""The edge operation in plain torch: what every other form of it is compared with, and what runs where none does."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels.base import base_function
from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.expansion import expansion
from ascribe.maths.kernels.pieces import ByPieces
from ascribe.maths.kernels.recursion import splines, table, write_splines

# Numbers of one level of the recursion worked on together: larger arrays leave the cache and fault in new pages.
_BLOCK = 200_000


def design(x: Float[Tensor, "n inputs"], basis: Basis, derivative: int = 0) -> Float[Tensor, "inputs terms n"]:
    """Every term of every input, or a derivative of it."""
    rows = x.T
    if basis.family == "bspline":
        bases = splines(rows, table(basis.knots, basis.order, basis.extrapolate), derivative)
    else:
        bases = expansion(rows, basis, derivative)[derivative]
    return torch.cat([base_function(basis.base)(rows, derivative)[:, None], bases], 1)


def _evaluate(x: Tensor, basis: Basis, slopes: bool) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The terms and, on request, their slopes."""
    if basis.family == "bspline":
        values, slope = _splines(x.T, basis, slopes)
    else:
        base = base_function(basis.base)
        bases = expansion(x.T, basis, int(slopes))
        values, *rest = (torch.cat([base(x.T, d)[:, None], b], 1) for d, b in enumerate(bases))
        slope = rest[0] if rest else None

    def to_samples(gradient: Tensor) -> Tensor:
        assert slope is not None
        return gradient.mul_(slope).sum(1).T

    return values, to_samples


def _splines(rows: Tensor, basis: Basis, slopes: bool) -> tuple[Tensor, Tensor | None]:
    """Those of B-splines, written in place block by block."""
    inputs, n = rows.shape
    t = table(basis.knots, basis.order, basis.extrapolate)
    function = base_function(basis.base)
    values = rows.new_empty(inputs, basis.terms, n)
    slope = torch.empty_like(values) if slopes else None
    step = max(1, _BLOCK // max(1, n * basis.knots.shape[1]))
    length = n if step > 1 else max(1, _BLOCK // basis.knots.shape[1])
    for first in range(0, inputs, step):
        block = slice(first, first + step)
        part = t if step >= inputs else t.of(block)
        for start in range(0, n, max(1, length)):
            piece = slice(start, start + length)
            values[block, 0, piece] = function(rows[block, piece], 0)
            if slope is not None:
                slope[block, 0, piece] = function(rows[block, piece], 1)
            to = None if slope is None else slope[block, 1:, piece]
            write_splines(rows[block, piece], part, values[block, 1:, piece], to)
    return values, slope


_form = ByPieces(_evaluate)
forward, backward, spreads, deviations = _form.forward, _form.backward, _form.spreads, _form.deviations
