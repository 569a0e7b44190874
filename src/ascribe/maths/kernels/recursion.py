r"""B-splines of every input at every sample, by the recursion of Cox and de Boor, in plain torch.

With $r^p_m = 1/(t_{m+p} - t_m)$ (0 where knots coincide: that basis vanishes), $B^0_m$ the indicator of cell $m$ and
$C = r^p B^{p-1}$,

$$B^p_m = (x - t_m)\,C_m - (x - t_{m+p+1})\,C_{m+1}, \qquad \frac{d}{dx} B^p_m = p\,(C_m - C_{m+1}).$$

A d-th derivative takes the second form in its last d levels. Everything is laid out (inputs, bases, samples): samples
are contiguous, so each step is one long vector operation and what follows is a matrix product.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels.basis import Extrapolate
from ascribe.maths.kernels.watch import transformed, watched


@dataclass(frozen=True)
class Table:
    """What depends on the knots alone."""

    order: int
    knots: Float[Tensor, "inputs knots 1"]
    entries: Float[Tensor, "inputs knots 1"]  # the sample is past knot m when x >= entries[m]
    reciprocals: tuple[Tensor, ...]  # of the lengths of the bases, level by level
    low: Float[Tensor, "inputs 1"]
    high: Float[Tensor, "inputs 1"]
    linear: bool

    def of(self, inputs: slice) -> Table:
        """The part of some inputs."""
        return Table(
            self.order,
            self.knots[inputs],
            self.entries[inputs],
            tuple(level[inputs] for level in self.reciprocals),
            self.low[inputs],
            self.high[inputs],
            self.linear,
        )


_tables: OrderedDict[tuple[int, int, str], tuple[Tensor, Table]] = OrderedDict()
_REMEMBERED = 64


def table(knots: Float[Tensor, "inputs knots"], order: int, extrapolate: Extrapolate) -> Table:
    """The table of these knots; the last 64 are remembered, found by identity and checked by value.

    Knots hardly ever change between two calls, and their table costs as much as a third of a small layer.
    """
    if knots.device.type != "cpu" or knots.requires_grad or transformed() or watched(knots):
        return _tabulate(knots, order, extrapolate)
    key = (id(knots), order, extrapolate)
    known = _tables.get(key)
    if known is not None and known[0].dtype == knots.dtype and torch.equal(known[0], knots):
        return known[1]
    copy = knots.detach().clone()
    _tables[key] = (copy, _tabulate(copy, order, extrapolate))
    _tables.move_to_end(key)
    if len(_tables) > _REMEMBERED:
        _tables.popitem(last=False)
    return _tables[key][1]


def _tabulate(knots: Tensor, order: int, extrapolate: Extrapolate) -> Table:
    last = knots.shape[1] - order - 1
    low, high = knots[:, order : order + 1], knots[:, last : last + 1]
    entries = knots
    if extrapolate == "linear":
        # A clamped sample lies in a cell of the grid proper, and the last cell with a width owns the right end.
        inner = torch.where(knots >= high, math.inf, knots)[:, order + 1 :]
        entries = torch.cat([torch.full_like(knots[:, : order + 1], -math.inf), inner], 1)
    reciprocals: list[Tensor] = []
    tiny = torch.finfo(knots.dtype).tiny
    for level in range(1, order + 1):
        length = knots[:, level:] - knots[:, :-level]
        reciprocals.append(torch.where(length > tiny, 1 / length.clamp(min=tiny), 0.0)[..., None])
    return Table(order, knots[..., None], entries[..., None], tuple(reciprocals), low, high, extrapolate == "linear")


def splines(x: Float[Tensor, "inputs n"], t: Table, derivative: int = 0) -> Float[Tensor, "inputs bases n"]:
    """The bases' derivative at x, by operations that torch can differentiate, map and trace.

    Outside the grid a linear table continues value and slope.
    """
    if not t.linear:
        return _recur(x, t, derivative)
    clamped = torch.clamp(x, t.low, t.high)
    bases = _recur(clamped, t, derivative)
    if derivative == 0:
        return torch.addcmul(bases, (x - clamped)[:, None], _recur(clamped, t, 1))
    if derivative == 1:
        return bases
    return bases * ((x >= t.low) & (x <= t.high))[:, None]


def _recur(x: Tensor, t: Table, derivative: int) -> Tensor:
    offset = x[:, None] - t.knots
    entered = (x[:, None] >= t.entries).to(x.dtype)
    bases = entered[:, :-1] - entered[:, 1:]
    for level in range(1, t.order + 1):
        scaled = bases * t.reciprocals[level - 1]
        if level > t.order - derivative:
            bases = (scaled[:, :-1] - scaled[:, 1:]) * level
        else:
            bases = offset[:, : -level - 1] * scaled[:, :-1] - offset[:, level + 1 :] * scaled[:, 1:]
    return bases * 0 if derivative > t.order else bases


def write_splines(
    x: Float[Tensor, "inputs n"],
    t: Table,
    out: Float[Tensor, "inputs bases n"],
    slope: Float[Tensor, "inputs bases n"] | None = None,
) -> None:
    """The bases into `out` and their first derivative into `slope`, in place: a third of the time of `splines`."""
    if not t.linear:
        out.copy_(_recur(x, t, 0))
        if slope is not None:
            slope.copy_(_recur(x, t, 1))
        return
    clamped = torch.clamp(x, t.low, t.high)
    if torch.equal(clamped, x):
        _grow(x, t, out, slope)
        return
    slope = slope if slope is not None else torch.empty_like(out)
    _grow(clamped, t, out, slope)
    out.addcmul_((x - clamped)[:, None], slope)


def _grow(x: Tensor, t: Table, out: Tensor, slope: Tensor | None) -> None:
    """The recursion inside the grid: of degree p, only the last G + p bases are not 0, so the rest is left out."""
    order, count = t.order, out.shape[1]
    offset = x[:, None] - t.knots
    passed = torch.empty_like(out)
    out[:, :order].zero_()
    out[:, order].fill_(1)
    if count > order + 1:
        entered = passed[:, order + 1 :]
        torch.ge(x[:, None], t.entries[:, order + 1 : count], out=entered)
        out[:, order + 1 :] = entered
        out[:, order:-1].sub_(entered)
    for level in range(1, order + 1):
        first = order - level + 1
        scaled = out[:, first:].mul_(t.reciprocals[level - 1][:, first:count])
        if slope is not None and level == order:
            torch.mul(out, order, out=slope)
            slope[:, :-1].sub_(scaled, alpha=order)
        falling = torch.mul(scaled, offset[:, first + level : count + level], out=passed[:, first:])
        scaled.mul_(offset[:, first:count])
        out[:, first - 1 : -1].sub_(falling)
    if slope is not None and order == 0:
        slope.zero_()
