"""Where a and b may go on their way uphill."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ascribe.maths.affine.curves import Traits
from ascribe.maths.affine.samples import Samples
from ascribe.maths.affine.search import Peaks
from ascribe.maths.affine.starts import FARTHEST, Bounds, reachable


class Box(NamedTuple):
    """Where a point of each function may go: a and b in their ranges (or far, where only b / a counts), and the
    argument on one side of the poles. a of (functions, 1, 1), b of (functions, edges, 1), u with the peaks, too.
    """

    a_low: Tensor
    a_high: Tensor
    b_low: Tensor
    b_high: Tensor
    u_low: Tensor
    u_high: Tensor

    @staticmethod
    def around(data: Samples, peaks: Peaks, seen: Sequence[Traits], a_range: Bounds, b_range: Bounds) -> Box:
        centre = torch.addcmul(peaks.b, peaks.a, data.middle[:, None])
        places = reachable(a_range, b_range)
        ends = [[-1, 1, *places] if t.scale_free else [*a_range, *b_range] for t in seen]
        sides = centre.new_tensor([[t.sides[0], t.sides[-1]] for t in seen])
        (low, high), other = ([sides[:, side, end, None, None] for end in (0, 1)] for side in (0, 1))
        here = (low <= centre) & (centre <= high)
        low, high = torch.where(here, low, other[0]), torch.where(here, high, other[1])
        a_low, a_high, b_low, b_high = centre.new_tensor(ends)[:, :, None, None].unbind(1)
        far = (FARTHEST * data.half + data.middle.abs())[:, None]
        far = torch.where(centre.new_tensor([t.scale_free for t in seen])[:, None, None] > 0, far, math.inf)
        return Box(a_low, a_high, b_low.maximum(-far), b_high.minimum(far), low, high)

    def of(self, functions: Tensor) -> Box:
        return Box(*(part[functions] for part in self))

    def best(self, peak: Tensor) -> Box:
        return Box(*self[:4], self.u_low.gather(2, peak), self.u_high.gather(2, peak))

    def nearest(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return a.clamp(self.a_low, self.a_high), b.clamp(self.b_low, self.b_high)

    def holds(self, s: Tensor, m: Tensor) -> Tensor:
        return (m - s.abs() >= self.u_low) & (m + s.abs() <= self.u_high)
