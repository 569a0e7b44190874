"""The plainest of equally good a and b, and c and d in the units of y."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.affine.curves import Curve, Traits
from ascribe.maths.affine.samples import Samples
from ascribe.maths.affine.slope import projected
from ascribe.maths.affine.starts import Bounds, half_turned, scaled


def smooth_on(functions: Sequence[Curve], s: Tensor, m: Tensor) -> Tensor:
    low, high = m - s.abs(), m + s.abs()
    return torch.stack([curve.domain(l, h) for curve, l, h in zip(functions, low, high, strict=True)])


def values_at(data: Samples, functions: Sequence[Curve], a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For (functions, edges): c and d in the units of y, and the error; infinite where f is not smooth or finite."""
    u = torch.addcmul(b[..., None], a[..., None], data.x[data.of])
    f = torch.stack([curve.torch(part) for curve, part in zip(functions, u.unbind(0), strict=True)])
    _, _, c, left = projected(f, data.y)
    error = left.square().mean(-1)
    c = c * data.size
    d = data.mean - torch.where(c == 0, 0.0, c * f.mean(-1))
    usable = smooth_on(functions, a * data.half, torch.addcmul(b, a, data.middle)) & (error + c + d).isfinite()
    return c, d, torch.where(usable, error, math.inf)


def plain(
    data: Samples,
    functions: Sequence[Curve],
    seen: Sequence[Traits],
    a: Float[Tensor, "functions edges"],
    b: Float[Tensor, "functions edges"],
    a_range: Bounds,
    b_range: Bounds,
) -> tuple[Float[Tensor, "functions edges 4"], Float[Tensor, "functions edges"]]:
    """a, b, c, d, and the error; of equally good a and b the plainest. NaN and 1 where no fit is inside the domain."""
    scale_free, shift_free, half_turn, even = (
        torch.tensor([[bool(getattr(known, name))] for known in seen], device=a.device)
        for name in ("scale_free", "shift_free", "half_turn", "even")
    )
    scaled_a, scaled_b = scaled(a, b, a_range, b_range)
    a, b = torch.where(scale_free, scaled_a, a), torch.where(scale_free, scaled_b.clamp(*b_range), b)
    found = torch.stack([a, b, *values_at(data, functions, a, b)])

    def prefer(some: list[int], a_new: Tensor, b_new: Tensor) -> None:
        """Take these for some of the functions, where they are in range and as good."""
        here = found[:, some]
        new = torch.stack([a_new, b_new, *values_at(data, [functions[n] for n in some], a_new, b_new)])
        better = (a_new >= a_range[0]) & (a_new <= a_range[1]) & (b_new >= b_range[0]) & (b_new <= b_range[1])
        better &= (new[4] <= here[4] * (1 + 1e-9) + 1e-26) & new[4].isfinite()
        found[:, some] = torch.where(better, new, here)

    for first, last in ((True, False), (False, True), (True, True)):
        finite = [(math.isfinite(known.sides[0][0]), math.isfinite(known.sides[0][1])) for known in seen]
        some = [n for n, (low, high) in enumerate(finite) if (low or not first) and (high or not last)]
        if some:
            a, b = found[:2, some].unbind(0)
            prefer(some, *_touching(data, [seen[n].sides[0] for n in some], a, b, first, last))
    a, b = found[:2]
    b = torch.where(shift_free, 0.0, b)
    sign = torch.where(even & (a < 0), -1.0, 1.0)
    b = torch.where(half_turn, half_turned(sign * b, b_range), sign * b)
    prefer(list(range(len(functions))), sign * a, b)
    a, b, c, d, error = found
    none = ~error.isfinite()
    affine = torch.where(none[..., None], math.nan, torch.stack([a, b, c, d], -1))
    return affine, torch.where(none, 1.0, error)


def _touching(
    data: Samples, sides: list[tuple[float, float]], a: Tensor, b: Tensor, first: bool, last: bool
) -> tuple[Tensor, Tensor]:
    """Data that reaches to the very ends of the domain, where steps from inside never arrive."""
    s, m = a.abs() * data.half, torch.addcmul(b, a, data.middle)
    ends = a.new_tensor(sides)[..., None]
    low = ends[:, 0].expand_as(m) if first else m - s
    high = ends[:, 1].expand_as(m) if last else m + s
    a_new = a.sign() * (high - low) / (2 * data.half)
    return a_new, (high + low) / 2 - a_new * data.middle
