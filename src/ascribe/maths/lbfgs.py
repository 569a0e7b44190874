r"""Limited-memory BFGS: the direction from remembered steps, and a line search to the Wolfe conditions.

With S the last steps and Y the changes of the gradient along them, and any symmetric positive $H_0$, the direction is
$-H g$ with $H g = H_0 (g - Y a) + S c$, where a and c solve two triangular systems of the size of the memory. $H_0$ may
change from one iteration to the next.  Source: Nocedal & Wright, Numerical Optimization (2006), 7.2 and 3.5; for
functions with kinks Lewis & Overton (2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Metric = Callable[[Tensor], Tensor]

# Numbers of a vector up to which twice the memory costs less than moving the pairs often.
_SHORT = 10_000


class Memory:
    """The last `size` steps and changes of the gradient.

    >>> memory = Memory(5)
    >>> memory.remember(torch.tensor([1.0, 0.0]), torch.tensor([4.0, 0.0]))    # curvature 4 along the first axis
    >>> memory.direction(torch.tensor([8.0, 3.0]), lambda g: g)
    tensor([-2., -3.])
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._first = self._last = (
            0  # the pairs are these rows, of twice as many: they move to the front at the end only
        )
        self._steps = self._changes = torch.empty(0, 0)
        # Of the products of step i and change j >= i: the inverse of this triangle, and its diagonal. Both so small
        # that numpy works on them in the time torch takes to start.
        self._inverse, self._curvatures = np.zeros((0, 0)), np.zeros(0)

    def __len__(self) -> int:
        return self._last - self._first

    def state(self) -> dict[str, Tensor]:
        """All that is remembered, for `restore`."""
        return {
            "span": torch.tensor([self._first, self._last]),
            "steps": self._steps,
            "changes": self._changes,
            "inverse": torch.from_numpy(self._inverse),
            "curvatures": torch.from_numpy(self._curvatures),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Remember what a `state` holds, in the same places: what follows has the same bits."""
        self._first, self._last = state["span"].tolist()
        self._steps, self._changes = state["steps"].clone(), state["changes"].clone()
        self._inverse, self._curvatures = (
            state["inverse"].cpu().numpy().copy(),
            state["curvatures"].cpu().numpy().copy(),
        )

    def remember(self, step: Float[Tensor, " n"], change: Float[Tensor, " n"]) -> None:
        """Take one more pair, unless its curvature is not clearly positive (it would spoil the metric)."""
        curvature = float(step @ change)
        if not curvature > 1e-12 * math.sqrt(float(step @ step) * float(change @ change)):
            return
        if self._last == len(self._steps):
            self._make_room(step)
        if self._last - self._first == self._size:
            self._first += 1
        # The inverse of a block of a triangle is a block of its inverse; a new column adds one to it.
        kept, new = slice(self._first, self._last), self._last
        column = torch.mv(self._steps[kept], change).cpu().numpy()
        self._inverse[kept, new] = self._inverse[kept, kept] @ column / -curvature
        self._inverse[new, new] = 1 / curvature
        self._curvatures[new] = curvature
        self._steps[new], self._changes[new] = step, change
        self._last += 1

    def direction(self, gradient: Float[Tensor, " n"], metric: Metric) -> Float[Tensor, " n"]:
        """$-H g$. Price: O(memory n) and one call of the metric."""
        if self._last == self._first:
            return metric(gradient).neg()
        kept = slice(self._first, self._last)
        steps, changes, inverse = self._steps[kept], self._changes[kept], self._inverse[kept, kept]
        first = inverse @ torch.mv(steps, gradient).cpu().numpy()
        part = metric(torch.addmv(gradient, changes.T, torch.from_numpy(first).to(gradient), alpha=-1))
        second = (self._curvatures[kept] * first - torch.mv(changes, part).cpu().numpy()) @ inverse
        return torch.addmv(part, steps.T, torch.from_numpy(second).to(gradient)).neg_()

    def _make_room(self, like: Tensor) -> None:
        """Memory where there is none; then the pairs move to its front."""
        if not len(self._steps):
            rows = self._size + (self._size if len(like) <= _SHORT else 3)
            self._steps, self._changes = like.new_empty(2, rows, len(like))
            self._inverse, self._curvatures = np.zeros((rows, rows)), np.zeros(rows)
            return
        kept, count = slice(self._first, self._last), len(self)
        for row in range(count):  # one by one, as source and target overlap
            self._steps[row], self._changes[row] = self._steps[self._first + row], self._changes[self._first + row]
        inverse, curvatures = self._inverse[kept, kept].copy(), self._curvatures[kept].copy()
        self._inverse.fill(0)
        self._inverse[:count, :count], self._curvatures[:count] = inverse, curvatures
        self._first, self._last = 0, count


class Trial(NamedTuple):
    """One point on a line: its place, the value there, the slope along the line."""

    length: float
    value: float
    slope: float


def wolfe(
    at: Callable[[float], Trial],
    start: Trial,
    first: float,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    limit: int = 25,
) -> Trial:
    r"""A point with $f \le f_0 + c_1 a f_0'$ and $f' \ge c_2 f_0'$, or the lowest that `limit` evaluations found.

    The slope is not asked to be small: beyond a kink it never is. The answer is `start` itself when nothing lower was
    found. Values that are not finite count as too far.
    """
    if not start.slope < 0:
        return start
    previous, length = start, first
    for used in range(1, limit + 1):
        trial = at(length)
        if not math.isfinite(trial.value) or not math.isfinite(trial.slope):
            length = (previous.length + length) / 2
            continue
        if trial.value > start.value + decrease * length * start.slope or (used > 1 and trial.value >= previous.value):
            return _zoom(at, start, previous, trial, decrease, curvature, limit - used)
        if trial.slope >= curvature * start.slope:
            return trial
        ahead = _minimum(previous, trial)
        length = min(max(ahead, 2 * trial.length - previous.length), 10 * trial.length)
        previous = trial
    return previous


def _zoom(
    at: Callable[[float], Trial], start: Trial, low: Trial, high: Trial, decrease: float, curvature: float, left: int
) -> Trial:
    for _ in range(left):
        small, large = sorted((low.length, high.length))
        width = large - small
        if width * abs(low.slope) <= 1e-16 * abs(start.value):
            break
        # A point too close to an end would hardly shorten the interval.
        length = min(max(_minimum(low, high), small + 0.1 * width), large - 0.1 * width)
        trial = at(length)
        if not trial.value <= start.value + decrease * length * start.slope or trial.value >= low.value:
            high = trial
        else:
            if trial.slope >= curvature * start.slope:
                return trial
            if trial.slope * (high.length - low.length) >= 0:
                high = low
            low = trial
    return low


def _minimum(a: Trial, b: Trial) -> float:
    """Where the cubic through two points and slopes is least; the middle where it has no minimum."""
    middle = (a.length + b.length) / 2
    if not (math.isfinite(a.value + b.value) and math.isfinite(a.slope + b.slope)):
        return middle
    mean = a.slope + b.slope - 3 * (a.value - b.value) / (a.length - b.length)
    square = mean * mean - a.slope * b.slope
    if square < 0:
        return middle
    root = math.copysign(math.sqrt(square), b.length - a.length)
    divisor = b.slope - a.slope + 2 * root
    return b.length - (b.length - a.length) * (b.slope + root - mean) / divisor if divisor else middle
