r"""Integrals of second derivatives along straight paths that also see the kinks between them.

Along the path from $z_0$ to $z$, with $\delta = z - z_0$, a score has heights $\varphi(s)$, terms of its slope
$G_p(s) = \delta_p\,\partial_p f$ (one for each player p), and a matrix
$K_{pq} = \delta_p\,\partial_p\partial_q f\,\delta_q$, whose rows add up to $G'$. Integrated Hessians are
$\int_0^1 -\ln s\,(s K(s) + \mathrm{diag}\,G(s))\,ds$, one integral, as
$\iint g(\alpha\beta)\,d\alpha\,d\beta = \int -\ln s\,g(s)\,ds$ over the unit square.

At a kink (of a ReLU, say) K is a pulse that derivatives do not show. It has rank one and makes G jump by r, so it is
$r r^T/\sum r$ times the pulse: known from the gradients on both sides. On a panel $[a, b]$ the jump r is what
$G(b) - G(a)$ has more than K's integral, and where it is follows from what $\varphi(b) - \varphi(a)$ has more, by
parts. So one kink in a panel is integrated exactly, and so are cubic scores; the sum is $\varphi(1) - \varphi(0)$ to
rounding. Panels are halved until the halves agree with the whole, and a jump is hardly of several kinks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ascribe.maths.quadrature import Adaptive, gauss, gauss_log

# Takes a piece of the points: their heights, the terms of their slopes, and the rows of their matrices one by one.
Take = Callable[
    [
        Int[Tensor, " piece"],
        Float[Tensor, " piece"],
        Float[Tensor, "piece players"],
        Iterator[Float[Tensor, "piece players"]],
    ],
    None,
]

# Evaluates points t on the paths of rows, piece by piece, and gives what it finds to `take`.
Visit = Callable[[Float[Tensor, " n"], Int[Tensor, " n"], Take], None]

_NODES = 3  # with the middle among them, where a panel is halved


@final
@dataclass(frozen=True)
class Ends:
    """What is known at one end of some panels: time, height and the terms of the slope; float64."""

    t: Float[Tensor, " panels"]
    height: Float[Tensor, " panels"]
    terms: Float[Tensor, "panels players"]

    def of(self, keep: Tensor) -> Ends:
        return Ends(self.t[keep], self.height[keep], self.terms[keep])


@final
@dataclass(frozen=True)
class Panels:
    """What was found on some panels: the integrals, what is known in the middles, and the jumps.

    A jump r, taken for that of one kink, is in the integral as `pulse` times its outer product.
    """

    pairs: Float[Tensor, "panels players players"]
    middle: Ends
    jump: Float[Tensor, "panels players"]
    pulse: Float[Tensor, " panels"]
    single: Bool[Tensor, " panels"]

    @property
    def height(self) -> Float[Tensor, " panels"]:
        """The largest entry of every pulse."""
        return self.pulse * self.jump.square().amax(1)

    def doubt(self, chance: Float[Tensor, " panels"]) -> Float[Tensor, "panels players players"]:
        """The pulses, as far as they may be of several kinks."""
        size = self.jump.abs()
        weight = self.pulse * torch.where(self.single, chance.clamp_max(1.0), 1.0)
        return weight[:, None, None] * size[:, :, None] * size[:, None, :]


def _joined(one: Ends, other: Ends) -> Ends:
    return Ends(torch.cat([one.t, other.t]), torch.cat([one.height, other.height]), torch.cat([one.terms, other.terms]))


@final
@dataclass(frozen=True)
class Pairs:
    """What came out for every row; `reached` where the tolerance was met within the limit."""

    values: Float[Tensor, "rows players players"]
    error: Float[Tensor, "rows players players"]
    reached: Bool[Tensor, " rows"]


def integrated_pairs(visit: Visit, rows: int, players: int, rule: Adaptive, like: Tensor) -> Pairs:
    """Integrated Hessians of so many rows, in float64 on the device of `like`.

    A panel is done when its halves differ from it by less than its part of the tolerance, in every entry; a row when
    the differences of its panels, which add in squares, are small enough together.
    """
    every = torch.arange(rows, device=like.device)
    values = torch.zeros(rows, players, players, dtype=torch.float64, device=like.device)
    square, reached = torch.zeros_like(values), torch.ones_like(every, dtype=torch.bool)
    spent = torch.full_like(every, 2 + _NODES)
    # Rounding alone changes an entry by so much, whatever is halved.
    tolerance = max(rule.tolerance, 64 * torch.finfo(like.dtype).eps)
    row = every
    start, end = (_at(visit, every, float(t), values) for t in (0, 1))
    found = _evaluate(visit, row, start, end)
    whole, middle = found.pairs, found.middle
    # Sums of the pulses and of their squares, of which (sum)^2 / (sum of squares) is a number of kinks.
    crowd = torch.zeros(2, rows, dtype=torch.float64, device=like.device)
    while len(row):
        halves = _evaluate(visit, row.repeat(2), _joined(start, middle), _joined(middle, end))
        spent.index_add_(0, row, torch.full_like(row, 2 * _NODES))
        parts = halves.pairs.unflatten(0, (2, len(row)))
        both, width = parts.sum(0), end.t - start.t
        pulses = torch.stack([halves.height, halves.height.square()])
        sums = crowd.index_add(1, row.repeat(2), pulses)
        kinks = torch.where(sums[1] > 0, sums[0].square() / sums[1], 0.0)
        doubt = halves.doubt((kinks[row] * width / 2).repeat(2)).unflatten(0, (2, len(row)))
        error = (whole - both).abs() + doubt.sum(0)
        scale = _largest(values.index_add(0, row, both))
        fine = _largest(error) <= tolerance * scale[row] * width.sqrt()
        good = _largest(square.index_add(0, row, error**2).sqrt()) <= tolerance * scale
        coarse = torch.zeros_like(spent).index_add_(0, row, (~fine).long())
        over = ~good & (spent + 4 * _NODES * coarse > rule.limit)
        reached &= ~(over & (coarse > 0))
        done = fine | (good | over)[row]
        values.index_add_(0, row[done], both[done])
        square.index_add_(0, row[done], error[done] ** 2)
        left = ~done
        crowd.index_add_(1, row[done].repeat(2), pulses[:, done.repeat(2)])
        start, end = _joined(start.of(left), middle.of(left)), _joined(middle.of(left), end.of(left))
        row, whole, middle = row[left].repeat(2), parts[:, left].flatten(0, 1), halves.middle.of(left.repeat(2))
    return Pairs((values + values.mT) / 2, square.sqrt(), reached)


def _largest(values: Float[Tensor, "n players players"]) -> Float[Tensor, " n"]:
    return values.abs().flatten(1).amax(1)


def _at(visit: Visit, row: Int[Tensor, " n"], t: float, like: Float[Tensor, "n players players"]) -> Ends:
    found = Ends(like.new_full((len(row),), t), like.new_empty(len(row)), like.new_empty(like.shape[:2]))

    def take(
        index: Int[Tensor, " piece"],
        height: Float[Tensor, " piece"],
        terms: Float[Tensor, "piece players"],
        _: Iterator[Float[Tensor, "piece players"]],
    ) -> None:
        found.height[index], found.terms[index] = height.double(), terms.double()

    visit(found.t, row, take)
    return found


def _evaluate(visit: Visit, row: Int[Tensor, " panels"], start: Ends, end: Ends) -> Panels:
    count, players = start.terms.shape
    x, w = (part.to(start.t.device) for part in gauss(_NODES))
    width = end.t - start.t
    t = start.t[:, None] + width[:, None] * x
    weight, near = w * width[:, None], _pair_weights(start.t, end.t)
    far = near + weight * t  # for L(s) = s - s ln s, whose derivative is -ln s
    pairs = start.terms.new_zeros(count, players, players)
    climb = start.terms.new_zeros(count, _NODES, players)
    heights, terms = torch.zeros_like(t), torch.zeros_like(climb)

    def take(
        index: Int[Tensor, " piece"],
        height: Float[Tensor, " piece"],
        slope: Float[Tensor, "piece players"],
        matrix: Iterator[Float[Tensor, "piece players"]],
    ) -> None:
        panel, node = index % count, index // count
        for player, line in enumerate(matrix):
            # Nothing was written before the first line came: what follows takes no more memory than it did.
            line = line.double()
            pairs[:, player].index_add_(0, panel, line * near[panel, node, None])
            climb[panel, node, player] = line.sum(1)
        heights[panel, node], terms[panel, node] = height.double(), slope.double()

    visit(t.T.flatten(), row.repeat(_NODES), take)
    mean, by_parts = (torch.einsum("nk,nkp->np", part, climb) for part in (weight, far))
    jump = end.terms - start.terms - mean
    total, size = jump.sum(1), jump.abs().sum(1)
    moment = _moment(start, end) - torch.einsum("nk,nkp->n", weight * t, climb)
    # A jump that cancels, or is at no place of the panel, is of several kinks, about which it says nothing: it stays
    # with the players themselves.
    place = moment / torch.where(total == 0, 1.0, total)
    slack = 1e-3 * width
    single = (total.abs() >= 0.05 * size) & (size > 0) & (place >= start.t - slack) & (place <= end.t + slack)
    place = torch.where(single, torch.minimum(torch.maximum(place, start.t), end.t), (start.t + end.t) / 2)
    pulse = torch.where(single, _omega(place) / torch.where(single, total, 1.0), 0.0)
    pairs += pulse[:, None, None] * jump[:, :, None] * jump[:, None, :]
    alone = torch.where(single, 0.0, _omega(place))[:, None] * jump
    edges = _primitive(end.t)[:, None] * end.terms - _primitive(start.t)[:, None] * start.terms
    own = edges - by_parts - _primitive(place)[:, None] * jump + alone
    pairs.diagonal(dim1=1, dim2=2).add_(own)
    middle = Ends(*(part[:, _NODES // 2] for part in (t, heights, terms)))
    lone = torch.where(size > 0, _omega(place) / torch.where(size > 0, size, 1.0), 0.0)
    return Panels(pairs, middle, jump, torch.where(single, pulse.abs(), lone), single)


def _moment(start: Ends, end: Ends) -> Float[Tensor, " panels"]:
    r"""$\int s\,dG$ over a panel, for the sum over the players: by parts, from the heights."""
    return end.t * end.terms.sum(1) - start.t * start.terms.sum(1) - (end.height - start.height)


def _omega(s: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    return -torch.special.xlogy(s, s)


def _primitive(s: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    return s + _omega(s)


def _pair_weights(a: Float[Tensor, " panels"], b: Float[Tensor, " panels"]) -> Float[Tensor, "panels nodes"]:
    r"""The integrals of $-s \ln s$ times the Lagrange polynomials of a panel's nodes."""
    x, w = (part.to(a.device) for part in gauss(_NODES))
    fine, heavy = (part.to(a.device) for part in gauss(16))
    width = (b - a)[:, None]
    inside = (_omega(a[:, None] + width * fine) * heavy) @ _lagrange(fine, x) * width
    # From 0 on, -s ln s is not smooth: there b x (-ln x) and b x (-ln b) are integrated each by its own rule.
    near, light = (part.to(a.device) for part in gauss_log(_NODES + 1))
    at_zero = width**2 * ((near * light) @ _lagrange(near, x) - (w * x) * b.log()[:, None])
    return torch.where(a[:, None] == 0, at_zero, inside)


def _lagrange(t: Float[Tensor, " points"], x: Float[Tensor, " nodes"]) -> Float[Tensor, "points nodes"]:
    others = t[:, None, None] - x  # (points, nodes, others)
    between = x[:, None] - x
    same = torch.eye(len(x), dtype=torch.bool, device=x.device)
    return (torch.where(same, 1.0, others) / torch.where(same, 1.0, between)).prod(2)
