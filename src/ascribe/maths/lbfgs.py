r"""Limited-memory BFGS: the direction from remembered steps, and a line search to the Wolfe conditions.

With S the last steps and Y the changes of the gradient along them, and any symmetric positive $H_0$, the direction is
$-H g$ with $H g = H_0 (g - Y a) + S c$, where a and c solve two triangular systems of the size of the memory. $H_0$ may
change from one iteration to the next.  Source: Nocedal & Wright, Numerical Optimization (2006), 7.2 and 3.5; for
functions with kinks Lewis & Overton (2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Metric = Callable[[Tensor], Tensor]


class Memory:
    """The last `size` steps and changes of the gradient.

    >>> memory = Memory(5)
    >>> memory.remember(torch.tensor([1.0, 0.0]), torch.tensor([4.0, 0.0]))    # curvature 4 along the first axis
    >>> memory.direction(torch.tensor([8.0, 3.0]), lambda g: g)
    tensor([-2., -3.])
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._steps: list[Tensor] = []
        self._changes: list[Tensor] = []
        self._products: list[list[float]] = []  # of step i (row) and change j >= i

    def __len__(self) -> int:
        return len(self._steps)

    def remember(self, step: Float[Tensor, " n"], change: Float[Tensor, " n"]) -> None:
        """Take one more pair, unless its curvature is not clearly positive (it would spoil the metric)."""
        curvature = float(step @ change)
        if not curvature > 1e-12 * float(step.norm() * change.norm()):
            return
        if len(self._steps) == self._size:
            del self._steps[0], self._changes[0], self._products[0]
            for row in self._products:
                del row[0]
        column = (torch.stack(self._steps) @ change).tolist() if self._steps else []
        for row, product in zip(self._products, column, strict=True):
            row.append(product)
        self._products.append([0.0] * len(self._products) + [curvature])
        self._steps.append(step)
        self._changes.append(change)

    def direction(self, gradient: Float[Tensor, " n"], metric: Metric) -> Float[Tensor, " n"]:
        """$-H g$. Price: O(memory n) and one call of the metric."""
        if not self._steps:
            return metric(gradient).neg_()
        steps, changes = torch.stack(self._steps), torch.stack(self._changes)
        upper = torch.tensor(self._products, dtype=gradient.dtype, device=gradient.device)
        first = torch.linalg.solve_triangular(upper, (steps @ gradient)[:, None], upper=True)
        part = metric(torch.addmv(gradient, changes.T, first[:, 0], alpha=-1))
        right = upper.diagonal()[:, None] * first - (changes @ part)[:, None]
        second = torch.linalg.solve_triangular(upper.T, right, upper=False)
        return torch.addmv(part, steps.T, second[:, 0]).neg_()


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
