"""How well f fits at some (a, b), c and d being the best there, and which way is up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ascribe.maths.affine.box import Box
from ascribe.maths.affine.curves import Curve
from ascribe.maths.affine.samples import Samples


class Slope(NamedTuple):
    """The squared error at some points, and the normal equations of a step in (s, m) from there."""

    error: Tensor
    ss: Tensor
    sm: Tensor
    mm: Tensor
    s: Tensor
    m: Tensor

    def of(self, functions: Tensor) -> Slope:
        return Slope(*(part[functions] for part in self))


def slope_at(data: Samples, functions: Sequence[Curve], a: Tensor, b: Tensor, box: Box) -> Slope:
    """All of (functions, edges, peaks); the error is infinite where f is not smooth or not finite."""
    s, m = a * data.half[:, None], torch.addcmul(b, a, data.middle[:, None])
    z, y = data.z[:, None], data.y[:, None]
    u = torch.addcmul(m[..., None], s[..., None], z)
    with torch.enable_grad():
        u.requires_grad_()
        f = torch.stack([curve.torch(part) for curve, part in zip(functions, u.unbind(0), strict=True)])
        # A function without a slope leaves no graph; the sum of zeros always does.
        (slope,) = torch.autograd.grad(f.sum() + 0 * u.sum(), u)
    f, inverse, c, left = projected(f.detach(), y)
    m_slope = slope * c[..., None]
    s_slope = m_slope * z
    for each in (m_slope, s_slope):
        each.sub_(each.mean(-1, keepdim=True))
        each.addcmul_(((each * f).mean(-1) * inverse)[..., None], f, value=-1)
    found = Slope(
        left.square().mean(-1),
        s_slope.square().mean(-1),
        (s_slope * m_slope).mean(-1),
        m_slope.square().mean(-1),
        (s_slope * left).mean(-1),
        (m_slope * left).mean(-1),
    )
    usable = box.holds(s, m) & torch.stack(found).isfinite().all(0)
    return Slope(torch.where(usable, found.error, math.inf), *(torch.where(usable, part, 0.0) for part in found[1:]))


def projected(f: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """f without its mean, 1 over its variance, its best factor c, and what c f leaves of y."""
    mean = f.mean(-1, keepdim=True)
    f = f - mean
    variance = f.square().mean(-1)
    varies = (variance > 1e-28 * mean[..., 0].square()) & variance.isfinite()
    inverse = torch.where(varies, 1 / variance, 0.0)
    c = (f * y).mean(-1) * inverse
    return f, inverse, c, torch.where(varies[..., None], torch.addcmul(y, c[..., None], f, value=-1), y)
