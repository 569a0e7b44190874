"""Linear separation of classes by logistic regression, for few examples of many features."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from ascribe.errors import InputError

_STEPS = 100


class Separation(NamedTuple):
    """One weight vector and one offset for each class."""

    weights: Float64[Tensor, "classes features"]
    offsets: Float64[Tensor, " classes"]

    def classify(self, x: Float[Tensor, "n features"]) -> Int[Tensor, " n"]:
        """The class with the largest value."""
        return (x.double() @ self.weights.T + self.offsets).argmax(dim=1)


def separate(
    x: Float[Tensor, "n features"], classes: Int[Tensor, " n"], count: int, penalty: float = 1e-2
) -> Separation:
    r"""$\min_{w,b} \frac1n\sum_i \log(1 + e^{-y_i(w^\top x_i + b)}) + \frac\lambda2 \sigma^2 \|w\|^2$ for each class.

    $y_i$ is 1 for the class and -1 for all others. $\sigma^2$ is the mean square of the centred rows' length, so that
    $\lambda$ (`penalty`) has no unit. Of two classes the weights are opposite. Solved by Newton's method in the span of
    the examples: the price grows with the cube of their number, and with the number of features only once.

    Raises InputError for a class without examples.

    >>> x = torch.tensor([[0.0, 1.0], [0.0, 2.0], [5.0, 1.0], [5.0, 2.0]])
    >>> found = separate(x, torch.tensor([0, 0, 1, 1]), 2)
    >>> found.classify(x).tolist(), bool(found.weights[1, 0] > 0), round(found.weights[1, 1].item(), 6)
    ([0, 0, 1, 1], True, 0.0)
    """
    missing = [c for c in range(count) if not bool((classes == c).any())]
    if missing or count < 2:
        raise InputError(f"{count} classes, of which {missing} have no example; pass examples of at least two")
    x = x.double()
    if not bool(x.isfinite().all()):
        row = int((~x.isfinite().all(dim=1)).nonzero()[0])
        raise InputError(f"the layer gives NaN or infinity for example {row}; leave such examples out")
    middle = x.mean(dim=0)
    centred = x - middle
    spread = centred.square().sum(dim=1).mean().clamp_min(torch.finfo(torch.float64).tiny).sqrt()
    z, back = _coordinates(centred / spread)
    signs = torch.stack([2.0 * (classes == c).double() - 1 for c in range(count)])
    solved = [_newton(z, y, penalty) for y in (signs[1:] if count == 2 else signs)]
    weights = torch.stack([back @ w for w, _ in solved]) / spread
    offsets = torch.stack([b for _, b in solved]) - weights @ middle
    if count == 2:
        weights, offsets = torch.cat([-weights, weights]), torch.cat([-offsets, offsets])
    return Separation(weights, offsets)


def _coordinates(
    x: Float64[Tensor, "n features"],
) -> tuple[Float64[Tensor, "n rank"], Float64[Tensor, "features rank"]]:
    """The rows in an orthonormal basis of their span, and the basis."""
    n, features = x.shape
    if features <= n:
        return x, torch.eye(features, dtype=x.dtype, device=x.device)
    squares, vectors = torch.linalg.eigh(x @ x.T)
    kept = squares > squares[-1] * 1e-12
    length = squares[kept].sqrt()
    return vectors[:, kept] * length, x.T @ (vectors[:, kept] / length)


def _newton(
    z: Float64[Tensor, "n rank"], y: Float64[Tensor, " n"], penalty: float
) -> tuple[Float64[Tensor, " rank"], Float64[Tensor, ""]]:
    """Weights and offset; every step is halved until the loss is smaller."""
    rows = torch.cat([z, z.new_ones(len(z), 1)], dim=1)
    weight = torch.full((rows.shape[1],), penalty, dtype=z.dtype, device=z.device)
    # The offset is not penalised, but for what keeps the system solvable.
    weight[-1] = 1e-12
    w = torch.zeros_like(weight)

    def loss(at: Tensor) -> Tensor:
        return torch.nn.functional.softplus(-y * (rows @ at)).mean() + (weight * at.square()).sum() / 2

    now = loss(w)
    for _ in range(_STEPS):
        p = torch.sigmoid(-y * (rows @ w))
        slope = weight * w - rows.T @ (y * p) / len(rows)
        if float(slope.norm()) < 1e-10:
            break
        curvature = (rows.T * (p * (1 - p))) @ rows / len(rows) + torch.diag(weight)
        step = torch.linalg.solve(curvature, slope)
        size = 1.0
        while (after := loss(w - size * step)) > now and size > 1e-8:
            size /= 2
        w, now = w - size * step, after
    return w[:-1], w[-1]
