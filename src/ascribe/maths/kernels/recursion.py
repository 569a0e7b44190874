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
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Extrapolate = Literal["linear", "zero"]


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
    if knots.device.type != "cpu" or torch.compiler.is_compiling():
        return _tabulate(knots.detach(), order, extrapolate)
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


def splines(
    x: Float[Tensor, "inputs n"],
    t: Table,
    derivative: int = 0,
    out: Float[Tensor, "inputs bases n"] | None = None,
    slope: Float[Tensor, "inputs bases n"] | None = None,
) -> Float[Tensor, "inputs bases n"]:
    """The bases' derivative at x; outside the grid a linear table continues value and slope.

    With `out` the result is written there, and `slope` (for derivative 0) receives the first derivative of the same
    pass; without them every step is an operation that torch can differentiate, map and trace.
    """
    if not t.linear:
        return _recur(x, t, derivative, out, slope)
    clamped = torch.clamp(x, t.low, t.high)
    if out is not None and torch.equal(clamped, x):
        return _recur(x, t, derivative, out, slope)
    if derivative > 1:
        inside = (x >= t.low) & (x <= t.high)
        return torch.mul(_recur(clamped, t, derivative), inside[:, None], out=out)
    bases = _recur(clamped, t, derivative, out, slope)
    if derivative == 1:
        return bases
    slopes = slope if slope is not None else _recur(clamped, t, 1)
    beyond = (x - clamped)[:, None]
    return bases.addcmul_(beyond, slopes) if out is not None else torch.addcmul(bases, beyond, slopes)


def _recur(x: Tensor, t: Table, derivative: int, out: Tensor | None = None, slope: Tensor | None = None) -> Tensor:
    offset = x[:, None] - t.knots
    if out is None:
        entered = (x[:, None] >= t.entries).to(x.dtype)
    else:
        entered = torch.ge(x[:, None], t.entries, out=torch.empty_like(offset))
    bases = entered[:, :-1] - entered[:, 1:]
    for level in range(1, t.order + 1):
        target = out if level == t.order else None
        scaled = bases.mul_(t.reciprocals[level - 1])
        if slope is not None and level == t.order:
            torch.sub(scaled[:, :-1], scaled[:, 1:], out=slope).mul_(level)
        if level > t.order - derivative:
            bases = torch.sub(scaled[:, :-1], scaled[:, 1:], out=target).mul_(level)
        else:
            left = torch.mul(offset[:, : -level - 1], scaled[:, :-1], out=target)
            if out is None:
                bases = left - offset[:, level + 1 :] * scaled[:, 1:]
            else:
                bases = left.addcmul_(offset[:, level + 1 :], scaled[:, 1:], value=-1)
    if t.order == 0 and slope is not None:
        slope.zero_()
    if derivative > t.order:
        bases = bases * 0
    return bases if out is None or bases is out else out.copy_(bases)
