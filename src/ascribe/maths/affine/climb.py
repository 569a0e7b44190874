"""From starts to the best a and b nearby: Levenberg-Marquardt steps of all edges and functions together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ascribe.maths.affine.box import Box
from ascribe.maths.affine.curves import Curve, Traits
from ascribe.maths.affine.samples import Samples
from ascribe.maths.affine.slope import slope_at

_DONE = 1e-29  # a squared error, as a share of the variance, that rounding makes


def climb(
    data: Samples, functions: Sequence[Curve], a: Tensor, b: Tensor, free: Tensor, box: Box, steps: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Levenberg-Marquardt in s and m from every point, together; functions that have arrived are left out."""
    a, b = box.nearest(a, b)
    here = slope_at(data, functions, a, b, box)
    damping = torch.full_like(a, 1e-3)
    arrived = ~here.error.isfinite() | ((here.ss * free[:, :1, None] == 0) & (here.mm * free[:, 1:, None] == 0))
    half, middle = data.half[:, None], data.middle[:, None]
    for _ in range(steps):
        arrived |= (here.error <= _DONE) | (damping > 1e8)
        moving = (~arrived).flatten(1).any(1).nonzero()[:, 0]
        if not len(moving):
            break
        now, mu = here.of(moving), damping[moving]
        s_free, m_free = free[moving, :1, None], free[moving, 1:, None]
        ss, mm, sm = now.ss * (1 + mu), now.mm * (1 + mu), now.sm * s_free * m_free
        # Where a direction is not free, or f does not depend on it, its equation is 1 * step = 0.
        s_free, m_free = s_free * (ss > 0), m_free * (mm > 0)
        ss, mm = torch.where(s_free > 0, ss, 1.0), torch.where(m_free > 0, mm, 1.0)
        rs, rm, sm = now.s * s_free, now.m * m_free, sm * s_free * m_free
        below = ss * mm - sm * sm
        s_step = torch.where(below > 0, (mm * rs - sm * rm) / below, 0.0)
        m_step = torch.where(below > 0, (ss * rm - sm * rs) / below, 0.0)
        a_new = a[moving] + s_step / half
        there_box = box.of(moving)
        a_new, b_new = there_box.nearest(a_new, b[moving] + m_step - (a_new - a[moving]) * middle)
        there = slope_at(data, [functions[i] for i in moving.tolist()], a_new, b_new, there_box)
        better = (there.error < now.error) & ~arrived[moving]
        # A poor fit need not be known to as many digits as a good one.
        arrived[moving] |= better & (now.error - there.error <= now.error * there.error.clamp(1e-12, 1e-3))
        a[moving], b[moving] = torch.where(better, a_new, a[moving]), torch.where(better, b_new, b[moving])
        for part, found in zip(here, there, strict=True):
            part[moving] = torch.where(better, found, part[moving])
        damping[moving] = torch.where(better, (mu / 8).clamp(min=1e-13), mu * 8)
    return a, b, here.error


def settle_steps(data: Samples, functions: Sequence[Curve], seen: Sequence[Traits], a: Tensor, b: Tensor) -> None:
    """Put the step of a step function where it explains most: between two samples, found exactly."""
    steps = [place for place, known in enumerate(seen) if known.steps and known.scale_free and not known.shift_free]
    if not steps or data.z.shape[1] < 2:
        return
    order = data.z.argsort(1)
    x = data.x[data.of].gather(1, order)
    n = x.shape[1]
    left = torch.arange(1, n, device=x.device)
    explained = data.y.gather(1, order).cumsum(1)[:, :-1].square() / (left * (n - left))
    best = torch.where(x[:, 1:] > x[:, :-1], explained, -1.0).argmax(1, keepdim=True)
    place = (x.gather(1, best) + x.gather(1, best + 1)) / 2
    for each in steps:
        b[each] = -a[each] * place
