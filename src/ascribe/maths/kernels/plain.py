r"""The spline operation in plain torch, forward and backward: what every other form of it is compared with.

The design of a piece of rows is made, used and dropped: memory does not grow with rows times inputs times terms. The
spread of edge (i, j), the standard deviation of its values over the rows, is $s = \sqrt{w^\top C_i w}$ with $C_i$ the
covariance of the terms of input i: the (n, inputs, outputs) values of the edges are never made.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels.base import base_function
from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.form import Moments
from ascribe.maths.kernels.recursion import splines, table, write_splines
from ascribe.maths.kernels.weights import Weights

# Numbers of the design that are made at a time.
_PIECE = 4_000_000
# Numbers of one level of the recursion worked on together: larger arrays leave the cache and fault in new pages.
_BLOCK = 200_000


def design(x: Float[Tensor, "n inputs"], basis: Basis, derivative: int = 0) -> Float[Tensor, "inputs terms n"]:
    """Every term of every input, or a derivative of it."""
    rows = x.T
    bases = splines(rows, table(basis.knots, basis.order, basis.extrapolate), derivative)
    return torch.cat([base_function(basis.base)(rows, derivative)[:, None], bases], 1)


def forward(
    x: Float[Tensor, "n inputs"], basis: Basis, weights: Weights, moments: bool = False
) -> tuple[Float[Tensor, "n outputs"], Moments | None]:
    """The sums over edges and, on request, the moments of the terms."""
    inputs, outputs = weights.base.shape
    stacked = weights.folded().mT.reshape(inputs * basis.terms, outputs)
    y = x.new_empty(outputs, len(x))
    gathered = _Gathered(x, basis) if moments else None
    for rows in _pieces(x, basis):
        values, _ = _write(x[rows], basis, slopes=False)
        torch.mm(stacked.T, values.flatten(0, 1), out=y[:, rows])
        if gathered is not None:
            gathered.add(values)
    return y.T, None if gathered is None else gathered.moments()


def spreads(weights: Weights, moments: Moments, smoothing: float = 0.0) -> Float[Tensor, "inputs outputs"]:
    r"""$\sqrt{w^\top C w + smoothing^2}$ of every edge."""
    exact = weights.folded().double()
    variance = (exact @ moments.covariance).mul_(exact).sum(-1).clamp_(min=0)
    return variance.add_(smoothing**2).sqrt_().to(weights.base.dtype)


def backward(
    gy: Float[Tensor, "n outputs"],
    x: Float[Tensor, "n inputs"],
    basis: Basis,
    weights: Weights,
    pull: Float[Tensor, "inputs outputs"] | None = None,
    moments: Moments | None = None,
    *,
    to_x: bool = True,
    to_weights: bool = True,
) -> tuple[Float[Tensor, "n inputs"] | None, Weights | None]:
    r"""The gradients in x and in the weights; `pull` is the gradient in the spread of every edge over that spread.

    With $s$ the spread: $\partial s / \partial w = C w / s$ and
    $\partial s / \partial \phi_r = w\, w^\top (\phi_r - \bar\phi) / ((n-1)\, s)$ for the terms $\phi_r$ of row r.
    """
    inputs, outputs = weights.base.shape
    folded = weights.folded()
    stacked = folded.mT.reshape(inputs * basis.terms, outputs)
    gx = torch.empty_like(x) if to_x else None
    gw = x.new_zeros(inputs * basis.terms, outputs) if to_weights else None
    mixing = None
    if pull is not None and to_x:
        mixing = (folded.mT * pull[:, None]) @ folded / max(1, len(x) - 1)
    for rows in _pieces(x, basis):
        values, slopes = _write(x[rows], basis, slopes=to_x)
        if gw is not None:
            gw.addmm_(values.flatten(0, 1), gy[rows])
        if gx is not None and slopes is not None:
            towards = torch.mm(stacked, gy[rows].T).view_as(values)
            if mixing is not None and moments is not None:
                towards.baddbmm_(mixing, values).sub_(mixing @ moments.mean.to(x.dtype)[..., None])
            gx[rows] = towards.mul_(slopes).sum(1).T
    if gw is None:
        return gx, None
    gradient = gw.view(inputs, basis.terms, outputs).mT
    if pull is not None and moments is not None:
        gradient = gradient + (folded.double() @ moments.covariance).to(x.dtype).mul_(pull[..., None])
    return gx, weights.unfolded(gradient)


def _pieces(x: Tensor, basis: Basis) -> Iterator[slice]:
    step = max(1, _PIECE // (x.shape[1] * basis.terms))
    for first in range(0, len(x), step):
        yield slice(first, first + step)


def _write(x: Tensor, basis: Basis, *, slopes: bool) -> tuple[Tensor, Tensor | None]:
    """The design of a piece of rows and, on request, its first derivative; (inputs, terms, n) each."""
    rows = x.T
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


class _Gathered:
    """Sums of terms and of their products over pieces of rows, about the means of the first piece, in float64."""

    def __init__(self, x: Tensor, basis: Basis) -> None:
        self._n = len(x)
        inputs, terms = x.shape[1], basis.terms
        self._centre: Tensor | None = None
        self._sum = x.new_zeros(inputs, terms, dtype=torch.float64)
        self._square = x.new_zeros(inputs, terms, terms, dtype=torch.float64)

    def add(self, values: Float[Tensor, "inputs terms n"]) -> None:
        exact = values.double()
        if self._centre is None:
            self._centre = exact.mean(-1)
        exact = exact - self._centre[..., None]
        self._sum += exact.sum(-1)
        self._square.baddbmm_(exact, exact.mT)

    def moments(self) -> Moments:
        if self._centre is None or self._n < 2:
            return Moments(self._sum if self._centre is None else self._centre, torch.zeros_like(self._square))
        drift = self._sum / self._n
        square = self._square - self._n * drift[:, :, None] * drift[:, None]
        return Moments(self._centre + drift, square / (self._n - 1))
