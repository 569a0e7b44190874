r"""Shapley values of games whose worth is a line, a cube or a sine of what the players present add up to.

Player k moves the sum by $d_k$. Around the middle of its range, and in parts of half its length, the sum is
$\zeta(S) = \sum_{k \in S} t_k - \sum_{k \notin S} t_k$ with $t_k = d_k / \sum_l |d_l|$. A coalition and its complement
stand at $\zeta$ and $-\zeta$: an even function gives both the same worth and so has no values, and only the odd part of
a function counts.

An exponential $e^{i\omega\zeta}$ is a product over players. When each is present with probability $(1 + s)/2$ it has
the mean $\prod_k (\cos\omega t_k + i s \sin\omega t_k)$, and Shapley's value is an integral over that probability
(Owen 1972, "Multilinear extensions of games"). A sine has thus the values

$$2 \sin\omega t_i \int_0^1 \mathrm{Re} \prod_{k \ne i} (\cos\omega t_k + i s \sin\omega t_k)\,ds,$$

whose integrand is an even polynomial in s of degree n - 1 at most: exact with half of the $2\lceil n/4 \rceil$ Gauss
nodes on $[-1, 1]$.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.quadrature import gauss

# Numbers worked on together: what stays in a core's cache.
_TOGETHER = 2**17


def line_values(t: Float[Tensor, "*games players"]) -> Float[Tensor, "*games players"]:
    r"""The values of the game $\zeta(S)$: every player moves it by $2 t_i$."""
    return 2 * t


def cube_values(t: Float[Tensor, "*games players"]) -> Float[Tensor, "*games players"]:
    r"""The values of the game $\zeta(S)^3$: $t_i (4 Q + 2 L^2) + 2 t_i^3$; the others sum to L, their squares to Q.

    >>> cube_values(torch.tensor([1.0]))    # from -1 to 1
    tensor([2.])
    """
    squares = t.square().sum(-1, keepdim=True) - t.square()
    others = t.sum(-1, keepdim=True) - t
    return t * (4 * squares + 2 * others.square()) + 2 * t**3


def sine_values(angles: Float[Tensor, "games players"]) -> Float[Tensor, "games players"]:
    r"""The values of the games $\sin(\omega\,\zeta(S))$, of which the angles are $\omega t_k$; exact to rounding.

    One product over all players serves them all: it is divided by each player's own factor, and no factor is smaller
    than the smallest node.
    Price: O(games players^2) time, memory for a piece at a time.
    """
    values = torch.empty_like(angles)
    s, weights = _nodes(angles)
    step = max(1, _TOGETHER // max(1, len(s) * angles.shape[1]))
    for first in range(0, len(angles), step):
        some = slice(first, first + step)
        values[some] = _sine_values(angles[some], s, weights)
    return values


def _nodes(angles: Tensor) -> tuple[Tensor, Tensor]:
    """The positive half of an even Gauss rule on [-1, 1]."""
    half = max(1, math.ceil(angles.shape[1] / 4))
    t, w = gauss(2 * half)
    return (2 * t[half:] - 1).to(angles), (2 * w[half:]).to(angles)


def _sine_values(angles: Tensor, s: Tensor, weights: Tensor) -> Tensor:
    cos, sin = angles.cos(), angles.sin()
    risen = s[:, None] * sin[:, None]
    product = torch.complex(cos[:, None].expand_as(risen), risen).prod(-1) * weights
    inverse = torch.addcmul(cos.square()[:, None], risen, risen).reciprocal_()
    real, imaginary = (torch.stack([product.real, product.imag * s], 1) @ inverse).unbind(1)
    return 2 * sin * torch.addcmul(real * cos, imaginary, sin)


def sine_bounds(t: Float[Tensor, "games players"], terms: int) -> Float[Tensor, "games terms"]:
    r"""More than the largest value of each of the games of $\sin(\pi m\,\zeta(S))$, m = 1, ..., terms.

    At most 2, and at most $2 \int_0^1 e^{-h (1 - s^2)} ds$, where 2h is the sum of $\sin^2 \pi m t_k$ of all players
    but one: a factor is $|\cos + i s \sin|^2 = 1 - (1 - s^2)\sin^2$. Many players blur what is fast, so that fast sines
    hardly matter to any of them. In place of $1 - s^2$ stand 3/4 below s = 1/2, and $3 (1 - s) / 2$ above; in place of
    the largest $\sin^2$ stands 1. The sums of $\sin^2$ are those of cosines, for all m a product of two small matrices.
    Price: O(games terms players), as a product of matrices; memory O(games (terms + sqrt(terms) players)).
    """
    few = math.isqrt(terms - 1) + 1
    place = torch.arange(few, dtype=t.dtype, device=t.device)[:, None]
    fine, coarse = (2 * math.pi * multiple * t[:, None] for multiple in (place, 1 + few * place))
    cosines = coarse.cos() @ fine.cos().mT - coarse.sin() @ fine.sin().mT
    # A little more is taken off than rounding may have put on.
    spread = (t.shape[1] - cosines.flatten(1)[:, :terms]) / 2 - 1 - 1e-9 * t.shape[1]
    h = spread.clamp(min=1e-12) / 2
    return (torch.exp(-0.75 * h) - 4 / 3 * torch.expm1(-0.75 * h) / h).clamp(max=2.0)
