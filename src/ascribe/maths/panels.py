r"""Path integrals of gradients to a tolerance, for many rows at once.

Along a path the score is a function $\varphi(t)$ of one variable, whose slope is a sum of terms, and the integrand a
vector $q(t)$ made of the same gradient: often the terms themselves. The integral of the slope over a panel $[a, b]$ is
known, $\varphi(b) - \varphi(a)$, and what a quadrature misses of it is a true error. Where a gradient jumps (at a kink
of a ReLU, say) it jumps in all entries together, so the entries err in proportion to the slope: the known error of the
slope, times the regression of every entry on the slope over the nodes, corrects the entries. One kink in a panel is
then integrated exactly, a smooth integrand has Kronrod's accuracy, and completeness, where the entries are the terms,
holds to rounding. What the regression does not explain is estimated, entry by entry, by the difference between
Kronrod's and Gauss' rule, and decides which panels are bisected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ascribe.maths.quadrature import Adaptive, kronrod

# Takes the heights, the terms of the slopes, and the integrands at a piece of the points.
Take = Callable[
    [Int[Tensor, " piece"], Float[Tensor, " piece"], Float[Tensor, "piece *_"], Float[Tensor, "piece *shape"]], None
]

# Evaluates points t on the paths of rows, piece by piece, and gives what it finds to `take`.
Visit = Callable[[Float[Tensor, " n"], Int[Tensor, " n"], Take], None]


@final
@dataclass(frozen=True)
class Integral:
    """What came out for every row; `reached` where the tolerance was met within the limit."""

    values: Float[Tensor, "rows *shape"]
    error: Float[Tensor, "rows *shape"]
    reached: Bool[Tensor, " rows"]


@final
@dataclass(frozen=True)
class Panels:
    """Pieces [a, b] of the paths of rows, and the heights at their ends; float64."""

    row: Int[Tensor, " panels"]
    a: Float[Tensor, " panels"]
    b: Float[Tensor, " panels"]
    start: Float[Tensor, " panels"]
    end: Float[Tensor, " panels"]

    def halved(self, keep: Bool[Tensor, " panels"], middle: Float[Tensor, " panels"]) -> Panels:
        """Both halves of the kept panels."""
        row, a, b, start, end, height = (
            part[keep] for part in (self.row, self.a, self.b, self.start, self.end, middle)
        )
        cut = (a + b) / 2
        return Panels(
            row.repeat(2),
            torch.cat([a, cut]),
            torch.cat([cut, b]),
            torch.cat([start, height]),
            torch.cat([height, end]),
        )


def integrate(
    visit: Visit,
    start: Float[Tensor, " rows"],
    end: Float[Tensor, " rows"],
    like: Float[Tensor, "rows *shape"],
    rule: Adaptive,
    terms: bool = True,
) -> Integral:
    r"""$\int_0^1 q(t)\,dt$ for every row, given the heights $\varphi(0)$ and $\varphi(1)$ and the form of q.

    `terms` says that the entries of q are the terms of the slope, so that both are of one size.

    A panel leaves when its error is within its part of the tolerance, a row when the errors of its panels, which are
    independent of each other and so add in squares, are.

    Source: the rule is Kronrod's (1965); the correction is calibration by regression, Deville & Särndal (1992).
    """
    rows = torch.arange(len(like), device=like.device)
    # Half precision has too small a range for squares and too few digits for sums.
    wide = torch.promote_types(like.dtype, torch.float32)
    values, square = torch.zeros_like(like, dtype=wide), torch.zeros_like(like, dtype=wide)
    reached = torch.ones_like(rows, dtype=torch.bool)
    spent = torch.zeros_like(rows)
    eps = torch.finfo(like.dtype).eps
    tolerance = max(rule.tolerance, 16 * eps)
    zero = torch.zeros_like(start, dtype=torch.float64)
    climbed = zero.clone()
    panels = Panels(rows, zero, zero + 1, start.double(), end.double())
    while len(panels.row):
        part, error, missed, rounding, middle = _evaluate(visit, panels, values, eps)
        row, width = panels.row, panels.b - panels.a
        spent.index_add_(0, row, torch.full_like(row, 15))
        scale = _largest(values.index_add(0, row, part))
        whole = _largest(square.index_add(0, row, error**2).sqrt())
        climb = (panels.end - panels.start).abs()
        height = scale if terms else climbed.index_add(0, row, climb)
        seen = missed <= torch.maximum(tolerance / 100 * height[row], rounding)
        fine = seen & (_largest(error) <= tolerance * scale[row] * width.sqrt())
        good = (whole <= tolerance * scale) & (_count(~seen, row, spent) == 0)
        coarse = _count(~fine, row, spent)
        over = ~good & (spent + 30 * coarse > rule.limit)
        reached &= ~(over & (coarse > 0))
        done = fine | (good | over)[row]
        values.index_add_(0, row[done], part[done])
        square.index_add_(0, row[done], error[done] ** 2)
        climbed.index_add_(0, row[done], climb[done])
        panels = panels.halved(~done, middle)
    return Integral(values.to(like.dtype), square.sqrt().to(like.dtype), reached)


def _evaluate(
    visit: Visit, panels: Panels, like: Float[Tensor, "rows *shape"], eps: float
) -> tuple[
    Float[Tensor, "panels *shape"],
    Float[Tensor, "panels *shape"],
    Float[Tensor, " panels"],
    Float[Tensor, " panels"],
    Float[Tensor, " panels"],
]:
    """Corrected integrals of every panel and their errors; what is missed of the height, and what rounding alone may
    miss, which no bisection would mend; and the heights in the middle."""
    t, w, g = (part.to(like.device) for part in kronrod())
    count, nodes = len(panels.row), len(t)
    width = panels.b - panels.a
    mean = (panels.end - panels.start) / width
    heights = torch.zeros(count * nodes, dtype=torch.float64, device=like.device)
    slopes = torch.zeros_like(heights)
    size = torch.zeros_like(width)
    plain, mixed, difference = (like.new_zeros(count, *like.shape[1:]) for _ in range(3))

    def take(
        index: Int[Tensor, " piece"],
        height: Float[Tensor, " piece"],
        terms: Float[Tensor, "piece *_"],
        q: Float[Tensor, "piece *shape"],
    ) -> None:
        panel, node = index % count, index // count
        terms, q = terms.double().flatten(1), q.to(like.dtype)
        slope = terms.sum(1) - mean[panel]
        heights[index], slopes[index] = height.double(), slope
        size.index_add_(0, panel, w[node] * terms.abs().sum(1))
        plain.index_add_(0, panel, q * _column(w[node], q))
        mixed.index_add_(0, panel, q * _column(w[node] * slope, q))
        difference.index_add_(0, panel, q * _column((g - w)[node], q))

    # Panels run fastest: those of a data row's outputs, where all are asked for, then meet at the same points.
    visit((panels.a + width * t[:, None]).flatten(), panels.row.repeat(nodes), take)
    # What the slopes are above the panel's known mean: small numbers, of which nothing cancels.
    above = slopes.reshape(nodes, count).T
    gap = -(above @ w)
    deviation = above + gap[:, None]
    variance, largest = deviation.square() @ w, deviation.abs().amax(1)
    # A correction that leaves the nodes' weights near the rule's own is believed; a larger one means that something
    # hides between the nodes. Slopes that vary by rounding alone say nothing.
    noise = 8 * eps * size
    believed = (gap.abs() * largest <= 2 * variance) & (largest > noise)
    together = mixed + plain * _column(gap, plain)
    part = plain + together * _column(torch.where(believed, gap / variance, 0.0), plain)
    unseen = torch.where(believed, deviation @ (g - w) / variance, 0.0)
    error = (difference - together * _column(unseen, plain)).abs()
    missed = torch.where(believed, 0.0, gap.abs() * width)
    rounding = 64 * eps * (torch.maximum(panels.start.abs(), panels.end.abs()) + size * width)
    return (
        part * _column(width, part),
        error * _column(width, part),
        missed,
        rounding,
        heights.reshape(nodes, count)[nodes // 2],
    )


def _count(
    which: Bool[Tensor, " panels"], row: Int[Tensor, " panels"], like: Int[Tensor, " rows"]
) -> Int[Tensor, " rows"]:
    return torch.zeros_like(like).index_add_(0, row, which.to(like.dtype))


def _largest(values: Float[Tensor, "n *shape"]) -> Float[Tensor, " n"]:
    return values.abs().flatten(1).amax(1).double()


def _column(weight: Tensor, like: Tensor) -> Tensor:
    return weight.to(like.dtype).reshape(-1, *[1] * (like.ndim - 1))
