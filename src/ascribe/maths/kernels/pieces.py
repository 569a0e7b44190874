r"""The spline operation piece by piece, on matrix products of torch, for whatever way the terms are made.

The design of a piece of rows is made, used and dropped: memory does not grow with rows times inputs times terms. The
spread of edge (i, j), the standard deviation of its values over the rows, is $s = \sqrt{w^\top C_i w}$ with $C_i$ the
covariance of the terms of input i: the (n, inputs, outputs) values of the edges are never made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.form import Moments
from ascribe.maths.kernels.weights import Weights

# The terms of some rows (inputs, terms, n), and what takes a gradient in them (it may overwrite it)
# to one in the rows.
Evaluate = Callable[[Tensor, Basis, bool], tuple[Tensor, Callable[[Tensor], Tensor]]]

# Numbers of the design that are made at a time.
_PIECE = 4_000_000


@final
@dataclass(frozen=True)
class ByPieces:
    """`evaluate(x, basis, slopes)` makes the terms; its second answer is called only where slopes were asked for."""

    evaluate: Evaluate

    def forward(
        self,
        x: Float[Tensor, "n inputs"],
        basis: Basis,
        weights: Weights,
        moments: bool = False,
        *,
        y: Float[Tensor, "n outputs"] | None = None,
        into: Moments | None = None,
    ) -> tuple[Float[Tensor, "n outputs"], Moments | None]:
        """The sums over edges and, on request, the moments of the terms; written to `y` and `into` where given."""
        inputs, outputs = weights.base.shape
        stacked = weights.folded().mT.reshape(inputs * basis.terms, outputs)
        if y is None:
            y = x.new_empty(outputs, len(x)).T
        gathered = Gathered(x, basis) if moments else None
        for rows in _pieces(x, basis):
            values, _ = self.evaluate(x[rows], basis, False)
            y[rows] = torch.mm(stacked.T, values.flatten(0, 1)).T
            if gathered is not None:
                gathered.add(values)
        if gathered is None:
            return y, None
        found = gathered.moments()
        if into is None:
            return y, found
        return y, Moments(into.mean.copy_(found.mean), into.covariance.copy_(found.covariance))

    def spreads(
        self,
        weights: Weights,
        moments: Moments,
        smoothing: float = 0.0,
        *,
        out: Float[Tensor, "inputs outputs"] | None = None,
    ) -> Float[Tensor, "inputs outputs"]:
        r"""$\sqrt{w^\top C w + smoothing^2}$ of every edge."""
        exact = weights.folded().double()
        variance = (exact @ moments.covariance).mul_(exact).sum(-1).clamp_(min=0)
        found = variance.add_(smoothing**2).sqrt_().to(weights.base.dtype)
        return found if out is None else out.copy_(found)

    def deviations(
        self, x: Float[Tensor, "n features"]
    ) -> tuple[Float[Tensor, " features"], Float[Tensor, " features"]]:
        """Mean and standard deviation (unbiased; 0 below two rows) of every column, in float64."""
        exact = x.double()
        mean = exact.mean(0) if len(x) else exact.new_zeros(x.shape[1])
        return mean, ((exact - mean).square().sum(0) / max(1, len(x) - 1)).sqrt_()

    def backward(
        self,
        gy: Float[Tensor, "n outputs"],
        x: Float[Tensor, "n inputs"],
        basis: Basis,
        weights: Weights,
        pull: Float[Tensor, "inputs outputs"] | None = None,
        moments: Moments | None = None,
        *,
        drift: Float[Tensor, " inputs"] | None = None,
        centre: Float[Tensor, " inputs"] | None = None,
        to_x: bool = True,
        to_weights: bool = True,
        into: tuple[Tensor | None, Weights | None] = (None, None),
    ) -> tuple[Float[Tensor, "n inputs"] | None, Weights | None]:
        r"""The gradients in x and in the weights, written to `into` where these are given.

        Statistics may have gradients: `pull` is the one in the spread of every edge over that spread, `drift`
        the one in the deviation of every input over (n - 1) deviations, about the mean `centre`. With $s$ the spread:
        $\partial s / \partial w = C w / s$ and
        $\partial s / \partial \phi_r = w\, w^\top (\phi_r - \bar\phi) / ((n-1)\, s)$ for the terms $\phi_r$ of row r.
        """
        inputs, outputs = weights.base.shape
        folded = weights.folded()
        stacked = folded.mT.reshape(inputs * basis.terms, outputs)
        gx, to = into
        if to_x and gx is None:
            gx = torch.empty_like(x)
        gw = x.new_zeros(inputs * basis.terms, outputs) if to_weights else None
        mixing = None
        if pull is not None and to_x:
            mixing = (folded.mT * pull[:, None]) @ folded / max(1, len(x) - 1)
        for rows in _pieces(x, basis):
            values, to_samples = self.evaluate(x[rows], basis, gx is not None)
            if gw is not None:
                gw.addmm_(values.flatten(0, 1), gy[rows])
            if gx is not None:
                towards = torch.mm(stacked, gy[rows].T).view_as(values)
                if mixing is not None and moments is not None:
                    towards.baddbmm_(mixing, values).sub_(mixing @ moments.mean.to(x.dtype)[..., None])
                gx[rows] = to_samples(towards)
                if drift is not None and centre is not None:
                    gx[rows] += (drift * (x[rows] - centre)).to(x.dtype)
        if gw is None:
            return gx, None
        gradient = gw.view(inputs, basis.terms, outputs).mT
        if pull is not None and moments is not None:
            gradient = gradient + (folded.double() @ moments.covariance).to(x.dtype).mul_(pull[..., None])
        found = weights.unfolded(gradient)
        if to is None:
            return gx, found
        for memory, numbers in zip(to, found, strict=True):
            if memory is not None and numbers is not None:
                memory.copy_(numbers)
        return gx, to


def _pieces(x: Tensor, basis: Basis) -> Iterator[slice]:
    step = max(1, _PIECE // (x.shape[1] * basis.terms))
    for first in range(0, len(x), step):
        yield slice(first, first + step)


class Gathered:
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
