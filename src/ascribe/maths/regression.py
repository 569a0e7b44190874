"""Weighted linear regression of many targets on the same samples at once, with an intercept, in float64.

The intercept is free, which is the same as taking weighted means away from both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ascribe.errors import MethodError

_GROUPS = 20  # of samples, that the jackknife leaves out in turn
_TOGETHER = 2**21  # numbers held for the rows that are solved together
_SWEEPS = 10_000


@final
@dataclass(frozen=True)
class Ridge:
    r"""$\min \sum_k w_k (y_k - b - x_k c)^2 + \alpha |c|^2$; least squares for $\alpha = 0$, the shortest c of equals.

    The error is the square root of the diagonal of $A^{-1} (\sum_k w_k^2 r_k^2 x_k x_k^T) A^{-1}$ with
    $A = X^T W X + \alpha I$ and residuals r, enlarged for the degrees of freedom that are used up; infinite where none
    is left. It is right whatever the spread of the residuals depends on.

    Source: White (1980), "A heteroskedasticity-consistent covariance matrix estimator".
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        _check(self.alpha, "Ridge")

    def __call__(
        self,
        x: Float[Tensor, "samples features"],
        y: Float[Tensor, "rows samples"],
        weights: Float[Tensor, "any samples"],
    ) -> tuple[Float64[Tensor, "rows features"], Float64[Tensor, "rows features"]]:
        found = [self._solve(*piece) for piece in _pieces(x, y, weights, 1)]
        coefficients, errors = (torch.cat([part.flatten(0, 1) for part in parts]) for parts in zip(*found, strict=True))
        return coefficients, errors

    def _solve(self, x: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        x, y = _centred(x, y, w)
        root = w.sqrt()
        scaled = root[..., None] * x
        samples, features = x.shape[-2:]
        # The same on either side: S (S'S + aI)^-1 = (SS' + aI)^-1 S; the smaller matrix is inverted.
        small = scaled.mT @ scaled if features <= samples else scaled @ scaled.mT
        inverse = _inverse(small + self.alpha * torch.eye(small.shape[-1]).to(small))
        weight = scaled @ inverse if features <= samples else inverse @ scaled
        c = (root[:, None] * y) @ weight
        residual = root[:, None] * (y - c @ x.mT)
        # Each sample's influence on c is its residual times its weight; their squares add up to the variance.
        variance = residual.square() @ weight.square()
        free = samples - 1 - (weight * scaled).sum((-1, -2))
        scale = torch.where(free > 1e-6, samples / free, torch.inf)
        return c, (variance * scale[:, None, None]).sqrt().nan_to_num(nan=torch.inf, posinf=torch.inf)


@final
@dataclass(frozen=True)
class Lasso:
    r"""$\min \frac12 \sum_k \bar w_k (y_k - b - x_k c)^2 + \alpha \sum_j |c_j|$ with weights $\bar w$ that sum to one.

    Solved by coordinate descent until a sweep changes no coefficient by more than $10^{-10}$ of the largest. The error
    is the jackknife's over 20 groups of samples, also of a coefficient that is zero; infinite for fewer samples.

    Source: Friedman, Hastie & Tibshirani (2010), "Regularization paths for generalized linear models via coordinate
    descent"; Efron & Tibshirani (1993), "An introduction to the bootstrap", 11.5.
    """

    alpha: float = 0.01

    def __post_init__(self) -> None:
        _check(self.alpha, "Lasso")

    def __call__(
        self,
        x: Float[Tensor, "samples features"],
        y: Float[Tensor, "rows samples"],
        weights: Float[Tensor, "any samples"],
    ) -> tuple[Float64[Tensor, "rows features"], Float64[Tensor, "rows features"]]:
        groups = _GROUPS if len(x) >= _GROUPS else 0
        # Each group's samples count nothing in turn.
        counts = (torch.arange(len(x)) % _GROUPS != torch.arange(groups)[:, None]).double().to(x.device)
        values: list[Tensor] = []
        errors: list[Tensor] = []
        for each, scores, w in _pieces(x, y, weights, groups + 1):
            c = self._descend(each, scores, w, torch.zeros(*scores.shape[:2], x.shape[1]).to(scores), 1e-10)
            error = torch.full_like(c, torch.inf)
            if groups:
                some, start = (part.repeat_interleave(groups, 0) for part in (scores, c))
                # Fewer digits do for an error, and are near where all samples ended.
                without = self._descend(each, some, (w[:, None] * counts).flatten(0, 1), start, 1e-6)
                error = without.unflatten(0, (len(w), groups)).std(1, correction=0) * sqrt(groups - 1)
            values.append(c.flatten(0, 1))
            errors.append(error.flatten(0, 1))
        return torch.cat(values), torch.cat(errors)

    def _descend(self, x: Tensor, y: Tensor, w: Tensor, start: Tensor, tolerance: float) -> Tensor:
        w = w / w.sum(-1, keepdim=True)
        x, y = _centred(x, y, w)
        weighted = x * w[..., None]
        curve = (weighted * x).sum(-2)
        varies = curve > 1e-12 * curve.amax(-1, keepdim=True)  # a feature that does not vary has no coefficient
        c, met = start.clone(), torch.zeros(x.shape[-1], dtype=torch.bool, device=x.device)
        while True:
            pull = (y - c @ x.mT) @ weighted
            moves = ((c != 0) | (varies[:, None] & (pull.abs() > self.alpha))).flatten(0, 1).any(0)
            if not bool((moves & ~met).any()):
                return c
            # Of many features few are gone through again and again: those that have ever moved.
            met = met | moves if x.shape[-1] > x.shape[-2] else torch.ones_like(met)
            some = met.nonzero()[:, 0]
            gram = weighted[..., some].mT @ x[..., some]
            c[..., some] = self._sweep(c[..., some], pull[..., some], gram, varies[:, some], tolerance)

    def _sweep(self, c: Tensor, pull: Tensor, gram: Tensor, varies: Tensor, tolerance: float) -> Tensor:
        """Descend along one coordinate after the other, over and over."""
        curve = gram.diagonal(dim1=-2, dim2=-1)
        bottom = torch.where(varies, curve, 1)
        for _ in range(_SWEEPS):
            before = c.clone()
            for j in range(c.shape[-1]):
                alone = pull[..., j] + curve[:, j, None] * c[..., j]
                new = torch.nn.functional.softshrink(alone, self.alpha) / bottom[:, j, None] * varies[:, j, None]
                pull -= (new - c[..., j])[..., None] * gram[:, None, j]
                c[..., j] = new
            if bool(((c - before).abs().amax(-1) <= tolerance * c.abs().amax(-1)).all()):
                break
        return c


def _pieces(
    x: Float[Tensor, "samples features"], y: Float[Tensor, "rows samples"], w: Float[Tensor, "any samples"], times: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """What is solved together, so many times over: X, the rows of each set (sets, rows, samples), and its weights.

    Rows that share their weights are one set; others are a set each.
    """
    x, y, w = x.double(), y.double(), w.double()
    each = x.numel() + min(x.shape) ** 2 if len(w) > 1 else sum(x.shape)
    for rows in torch.arange(len(y), device=y.device).split(max(1, _TOGETHER // (times * each))):
        yield x, y[rows][:, None] if len(w) > 1 else y[rows][None], w[rows] if len(w) > 1 else w


def _centred(x: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Both sides less their weighted means: (sets, samples, features) and (sets, rows, samples)."""
    share = w / w.sum(-1, keepdim=True)
    return x - (share @ x)[:, None], y - y @ share[..., None]


def _inverse(a: Float64[Tensor, "any features features"]) -> Float64[Tensor, "any features features"]:
    """The inverse; the pseudo-inverse where there is none."""
    factor, failed = torch.linalg.cholesky_ex(a)
    diagonal = factor.diagonal(dim1=-2, dim2=-1)
    if bool(failed.any()) or bool((diagonal.amin(-1) < 1e-7 * diagonal.amax(-1)).any()):
        return torch.linalg.pinv(a, hermitian=True)
    return torch.cholesky_inverse(factor)


def _check(alpha: float, name: str) -> None:
    if not 0 <= alpha < float("inf"):
        raise MethodError(f"{name}({alpha}) is no penalty; pass alpha of 0 or more")
