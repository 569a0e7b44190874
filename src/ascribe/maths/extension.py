r"""Odd parts of functions on $[-1, 1]$ as a line, a cube and sines: the odd extension with period 2.

$\frac{h(\zeta) - h(-\zeta)}{2} = a\,\zeta + c\,\zeta^3 + \sum_m \beta_m \sin(\pi m \zeta)$. Line and cube take the
value and the second derivative at the ends, so that what is left goes on oddly around $\pm 1$ with three derivatives:
only kinks inside limit how fast the sines fall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad


@final
@dataclass(frozen=True)
class OddExtension:
    r"""The terms, and `error`: a bound of the largest distance between them and the odd part of h."""

    line: Float[Tensor, "*windows outputs"]
    cube: Float[Tensor, "*windows outputs"]
    sines: Float[Tensor, "*windows terms outputs"]
    error: Float[Tensor, "*windows outputs"]

    def __add__(self, other: OddExtension) -> OddExtension:
        """The extension of the sum of the functions."""
        terms = max(self.sines.shape[-2], other.sines.shape[-2])
        mine, theirs = (pad(e.sines, (0, 0, 0, terms - e.sines.shape[-2])) for e in (self, other))
        return OddExtension(self.line + other.line, self.cube + other.cube, mine + theirs, self.error + other.error)


def sampled_extension(
    h: Float[Tensor, "*windows samples outputs"],
    fourth: Float[Tensor, "*windows outputs"] | None = None,
) -> OddExtension:
    r"""Of an odd function, from $h(l / L)$, $l = 0 \dots L$ with L even; half of the L - 1 sines are kept.

    What is left out is known up to the last sine; those after it also come back as others (aliases). With `fourth`, at
    least $\sup|h|$ and a quarter of the total variation of $h$, both together are proven to be at most
    $0.07\,fourth / (L - 1)^4$: so much leave four integrations by parts, with the second derivative at the end taken
    from differences. Without, they are estimated at twice what is known to be left out, as kinks would have it.
    Price: a Fourier transform of 2L numbers a window.

    >>> z = torch.linspace(0, 1, 65, dtype=torch.float64)
    >>> bool(sampled_extension(z[:, None] ** 3).error < 1e-14)
    True
    """
    cells = h.shape[-2] - 1
    z = torch.linspace(0, 1, cells + 1, dtype=h.dtype, device=h.device)[:, None]
    # The second derivative at the end, from this side only, exact for a cubic.
    last, one, two, three = (h[..., -1 - back, :] for back in range(4))
    cube = (2 * last - 5 * one + 4 * two - three) * (cells * cells / 6)
    line = last - cube
    every = _sines(h - line[..., None, :] * z - cube[..., None, :] * z**3)
    terms = cells // 2 - 1
    rest = every[..., terms:, :].abs().sum(-2)
    error = 3 * rest if fourth is None else rest + 0.07 * fourth / (cells - 1) ** 4
    return OddExtension(line, cube, every[..., :terms, :], error)


def kinked_extension(
    breaks: Float[Tensor, "*windows breaks"],
    jumps: Float[Tensor, "*windows breaks orders outputs"],
    ends: Float[Tensor, "*windows orders outputs"],
    terms: int,
) -> OddExtension:
    r"""Of a piecewise polynomial: exact, but for the sines that are left out.

    `jumps[..., r, p, :]` is the jump $J_r^p$ of the p-th derivative at $\tau_r$ = `breaks[..., r]`, from order 0 (where
    it is 0) to the degree; breaks outside (-1, 1) do not count. `ends` is by how much the derivatives at 1 exceed those
    at -1. Integration by parts gives, with $\omega = \pi m$,

    $$\beta_m = \mathrm{Re}\,\frac{1}{\omega} \sum_r e^{i\omega\tau_r} \sum_p J_r^p (i/\omega)^p.$$

    What is left out is at most $\sum_{rp} |J_r^p| / (p\,\pi^{p+1} M^p)$ after M terms.
    Price: O(breaks orders outputs) a sine.
    """
    cube = ends[..., 2, :] / 12 if ends.shape[-2] > 2 else torch.zeros_like(ends[..., 0, :])
    line = ends[..., 0, :] / 2 - cube
    inside = (breaks.abs() < 1)[..., None, None]
    # Even derivatives from the fourth on are left over at the ends, where the extension has a kink of its own.
    last = -ends.clone()
    last[..., :4, :] = 0
    last[..., 1::2, :] = 0
    breaks = pad(breaks, (0, 1), value=1.0)
    jumps = torch.cat([torch.where(inside, jumps, 0.0), last[..., None, :, :]], -3)
    w = math.pi * torch.arange(1, terms + 1, dtype=breaks.dtype, device=breaks.device)
    angles = breaks[..., None] * w
    even, odd = (jumps[..., start::2, :].movedim(-3, -1) for start in (0, 1))
    # The powers of i: 1, i, -1, -i.
    even = torch.einsum("...por,...rm->...mpo", _alternating(even), angles.cos())
    odd = torch.einsum("...por,...rm->...mpo", -_alternating(odd), angles.sin())
    sines = torch.zeros_like(even[..., 0, :])
    for start, found in enumerate((even, odd)):
        for p, part in zip(range(start, jumps.shape[-2], 2), found.unbind(-2), strict=True):
            sines = sines + part / (w ** (p + 1))[:, None]
    return OddExtension(line, cube, sines, left_out(jumps, terms))


def _alternating(
    jumps: Float[Tensor, "*windows orders outputs breaks"],
) -> Float[Tensor, "*windows orders outputs breaks"]:
    signs = 1 - 2 * (torch.arange(jumps.shape[-3], device=jumps.device) % 2)
    return jumps * signs[:, None, None]


def left_out(jumps: Float[Tensor, "*windows breaks orders outputs"], terms: int) -> Float[Tensor, "*windows outputs"]:
    """What all sines after the first `terms` amount to at most, for jumps from the first derivative on."""
    p = torch.arange(1, jumps.shape[-2], dtype=jumps.dtype, device=jumps.device)
    each = 1 / (p * math.pi ** (p + 1) * float(terms) ** p)
    return torch.einsum("...rpo,p->...o", jumps[..., 1:, :].abs(), each)


def _sines(h: Float[Tensor, "*windows samples outputs"]) -> Float[Tensor, "*windows inner outputs"]:
    r"""The coefficients of $\sin(\pi m l / L)$, $m = 1 \dots L - 1$, that give the samples; the ends count as 0."""
    inner = h[..., 1:-1, :]
    end = torch.zeros_like(h[..., :1, :])
    period = torch.cat([end, inner, end, -inner.flip(-2)], -2)
    return -torch.fft.rfft(period, dim=-2).imag[..., 1:-1, :] / (h.shape[-2] - 1)
