r"""Levenberg-Marquardt: Newton steps on a curvature that is never negative, damped until they help.

A step solves $(A + \mu\,\mathrm{diag}(A))\,d = -g$. The gain, the drop achieved over the drop that A predicted, sets
the next damping.  Source: Madsen, Nielsen & Tingleff, Methods for Non-Linear Least Squares Problems (2004), 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

# Parameters without any curvature get this share of the mean one: the system stays solvable, their step stays short.
_FLOOR = 1e-8


def add_gram(total: Float[Tensor, "n n"], rows: Float[Tensor, "n m"], share: float) -> None:
    r"""Add $share \cdot R R^\top$ to the lower triangle, and to little of what stands above it.

    Price: a product of matrices costs n n m multiplications, this little more than half of them.
    """
    n = len(rows)
    step = min(96, max(32, -(-n // 4)))
    for first in range(0, n, step):
        last = first + step
        total[first:last, :last].addmm_(rows[first:last], rows[:last].T, alpha=share)


def damped_step(
    curvature: Float[Tensor, "n n"], gradient: Float[Tensor, " n"], damping: float
) -> tuple[Float[Tensor, " n"], float] | None:
    """The step and the drop that it promises; None where the system is not positive in floating point.

    Only the lower triangle of the curvature is read.

    >>> step, drop = damped_step(torch.diag(torch.tensor([2.0, 4.0])), torch.tensor([2.0, -4.0]), 0.0)
    >>> step.round(decimals=4), round(drop, 4)
    (tensor([-1.,  1.]), 3.0)
    """
    diagonal = curvature.diagonal()
    weight = (diagonal + _FLOOR * diagonal.mean()).add_(torch.finfo(gradient.dtype).tiny).mul_(damping + _FLOOR)
    damped = curvature.clone()
    damped.diagonal().add_(weight)
    factor, failed = torch.linalg.cholesky_ex(damped)
    if int(failed):
        return None
    step = torch.cholesky_solve(gradient[:, None], factor)[:, 0].neg_()
    # The system says what the curvature along the step is, without a product with it.
    return step, 0.5 * float(step @ (weight * step) - gradient @ step)


@dataclass
class Damping:
    """The damping that the gains so far ask for."""

    value: float = 1e-2
    growth: float = 2.0

    def succeed(self, gain: float) -> None:
        self.value = max(self.value * max(1 / 3, 1 - (2 * gain - 1) ** 3), 1e-15)
        self.growth = 2.0

    def fail(self) -> None:
        self.value *= self.growth
        self.growth *= 2
