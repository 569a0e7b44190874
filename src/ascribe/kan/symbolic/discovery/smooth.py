"""Polynomials in several variables: what of y a smooth function explains, and what is noise."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.symbolic.discovery.columns import one_signed

# Terms of the polynomials, of those that are compared with them, and rows that they are fitted to.
_TERMS, _FEWER, _ROWS = 130, 80, 600
# Noise is what stays when terms are added: at least this share of the variance that was left before.
_STAYS = 0.9
# A share that may be rounding.
_ROUNDING = 1e-12
# Deviations from what chance makes of noise.
_SURPRISE = 3.5


def left_by_polynomials(x: Float[Tensor, "variables n"], y: Float[Tensor, " n"], weight: Float[Tensor, " n"]) -> float:
    """The share of y's variance that polynomials in x, times the weight, leave."""
    return _left(x, y, weight, _TERMS)


def noise_share(
    x: Float[Tensor, "variables n"], y: Float[Tensor, " n"], weight: Float[Tensor, " n"], left: float
) -> float:
    """The share of y's variance that is noise, of what `left_by_polynomials` says; 0 where higher degrees tell more."""
    return left if max(_ROUNDING, _STAYS * _left(x, y, weight, _FEWER)) < left < math.inf else 0.0


def _left(x: Float[Tensor, "variables n"], y: Tensor, weight: Tensor, terms: int) -> float:
    some = slice(_ROWS)
    return _unexplained(polynomials(x[:, some], terms) * weight[some], y[some])


def is_noise(x: Float[Tensor, "variables n"], rest: Float[Tensor, " n"]) -> bool:
    """Whether nothing in x tells what is left of y: neither polynomials, coarse or fine, nor the nearest rows do.

    Of noise, k orthonormal directions explain a share of Beta(k/2, (n - k)/2), and the products of neighbours a mean
    of 0.
    """
    n = len(rest)
    rest = rest - rest.mean()
    power = float(rest @ rest)
    if not power:
        return True
    for most in (8 * len(x), _TERMS // 3, _TERMS):
        terms = polynomials(x, max(2, min(most, n // 4)))[1:]
        directions = torch.linalg.qr((terms - terms.mean(1, keepdim=True)).T).Q
        k, share = directions.shape[1], float((directions.T @ rest).square().sum()) / power
        deviation = math.sqrt(2 * k * (n - k) / (n + 2)) / n
        if share - k / n > _SURPRISE * deviation:
            return False
    scaled = (x / x.std(1, keepdim=True)).T
    nearest = torch.cdist(scaled, scaled).fill_diagonal_(math.inf).argmin(1)
    # Two rows may be each other's nearest, and count twice.
    return float(rest @ rest[nearest]) / power < _SURPRISE * math.sqrt(2 / n)


def smoothed(
    x: Float[Tensor, "variables n"], y: Float[Tensor, " n"], weight: Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """y as polynomials see it that six rows a term can tell, each row with its weight."""
    terms = polynomials(x, min(_FEWER, len(y) // 6))
    terms = terms / terms.norm(dim=1, keepdim=True)
    numbers = torch.linalg.lstsq((terms * weight).T, (y * weight)[:, None], driver="gelsd").solution[:, 0]
    return numbers @ terms


def beyond_sums(x: Float[Tensor, "variables n"], y: Float[Tensor, " n"], weight: Float[Tensor, " n"]) -> float:
    """The share of y's variance that sums of functions of one variable leave, each row with its weight."""
    some = slice(_ROWS)
    terms = torch.cat([torch.ones_like(y[None, some]), *(_chebyshev(values[some], 16)[1:] for values in x)])
    mean = (weight.square() @ y) / weight.square().sum()
    return _unexplained(terms * weight[some], ((y - mean) * weight)[some])


def _unexplained(terms: Float[Tensor, "terms n"], y: Float[Tensor, " n"]) -> float:
    variance = y.var()
    count, rows = terms.shape
    if rows <= count:
        return math.inf
    terms = terms * (terms * terms).sum(1, keepdim=True).clamp(min=1e-300).rsqrt()
    gram = terms @ terms.T
    gram.diagonal().add_(1e-13)
    factor, failed = torch.linalg.cholesky_ex(gram)
    if bool(failed):
        return math.inf
    # Twice: the second solve takes back what the ridge and rounding have left.
    for _ in range(2):
        y = y - torch.cholesky_solve((terms @ y)[:, None], factor)[:, 0] @ terms
    return float((y * y).sum() / (rows - count) / variance)


def polynomials(x: Float[Tensor, "variables n"], terms_at_most: int = _TERMS) -> Float[Tensor, "terms n"]:
    """Products of Chebyshev polynomials up to the highest total degree that gives so few terms, or degree 1.

    One variable is also seen as 1/x and log x, where it keeps its sign.
    """
    if len(x) == 1:
        (only,) = x
        highest = min(16, terms_at_most // 8)
        parts = [_chebyshev(only, highest)]
        if one_signed(only):
            parts.append(_chebyshev(1 / only, 2 * highest // 3)[1:])
        if bool((only > 0).all()):
            parts.append(_chebyshev(only.log(), 2 * highest // 3)[1:])
        return torch.cat(parts)
    highest = 1
    while math.comb(highest + 1 + len(x), len(x)) <= terms_at_most:
        highest += 1
    terms, degree = x.new_ones(1, x.shape[1]), torch.zeros(1, dtype=torch.long)
    for values in x:
        terms = (_chebyshev(values, highest)[:, None] * terms).flatten(0, 1)
        degree = (torch.arange(highest + 1)[:, None] + degree).flatten()
        terms, degree = terms[degree <= highest], degree[degree <= highest]
    return terms


def _chebyshev(values: Float[Tensor, " n"], highest: int) -> Float[Tensor, "terms n"]:
    low, high = values.amin(), values.amax()
    u = (2 * values - low - high) / (high - low).clamp(min=1e-300)
    found = [torch.ones_like(u), u]
    while len(found) <= highest:
        found.append(2 * u * found[-1] - found[-2])
    return torch.stack(found[: highest + 1])
