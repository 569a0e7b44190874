"""Levenberg-Marquardt on the flat vector: all parameters in one dense system, for small networks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from ascribe.errors import TrainingError
from ascribe.kan.fit.curvature import Curvature
from ascribe.kan.fit.objective import Evaluation, Objective
from ascribe.maths.levenberg import Damping, damped_step

ITERATIONS = 5  # of one step
LARGEST = 5000  # parameters
ARRIVED = 1e-4
ROUNDING = 2  # units in the last place of the labels
_SHORTER = 6  # steps to where the objective is no number, before what leads there is held
_STIFF = 1e12  # times its curvature, a parameter stays


@final
class LM:
    r"""Gauss-Newton curvature of the loss, and the regulariser's own: $a\,C / s$ for an edge of spread s and slope a.

    The latter bounds the regulariser from above, touches it where we stand, and drives edges that do not pay to 0.
    """

    def __init__(self, objective: Objective, damping: float = 1e-2) -> None:
        count = objective.parameters.count
        if count > LARGEST:
            raise TrainingError(
                f"opt='LM' solves a system in all {count} parameters, and takes {LARGEST} at the most; pass 'LBFGS'."
            )
        if not objective.loss.exact_curvature:
            raise TrainingError("opt='LM' needs the curvature of the loss, and a function has none; pass opt='LBFGS'.")
        self.objective, self._first = objective, damping
        self._curvature = Curvature(objective)
        self.vector = objective.parameters.read()
        self.restart()

    def restart(self) -> None:
        """The objective has changed."""
        self._damping = Damping(self._first)
        self.now: Evaluation = self.objective(self.vector)
        self.arrived = False

    def feed(self) -> None:
        """The objective has other rows."""
        self.now, self.arrived = self.objective(self.vector), False

    def step(self) -> Evaluation:
        if self.arrived:
            return self.now
        before = self.now.value
        for _ in range(ITERATIONS):
            if self.now.value <= self._rounding() or not self._iterate():
                break
        self.arrived = before - self.now.value <= ARRIVED * abs(self.now.value)
        return self.now

    def _rounding(self) -> float:
        """The squared error that outputs have which are as near to the labels as their numbers can be."""
        label = self.objective.label
        if self.objective.loss.kind != "numbers":
            return 0.0
        return (ROUNDING * torch.finfo(label.dtype).eps) ** 2 * float(label.square().mean())

    def state(self) -> dict[str, Tensor]:
        damping = torch.tensor([self._damping.value, self._damping.growth], dtype=torch.float64)
        return {"arrived": torch.tensor(self.arrived), "damping": damping}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.arrived = bool(state["arrived"])
        self._damping = Damping(*state["damping"].tolist())

    def _iterate(self, trials: int = 16) -> bool:
        """Whether a lower point was found."""
        free = self._curvature.free
        curvature = self._curvature(self.vector, self.now)
        gradient = self.now.gradient[free]
        held, left, first = torch.zeros_like(gradient, dtype=torch.bool), 0, replace(self._damping)
        for _ in range(trials):
            solved = damped_step(curvature, gradient, self._damping.value)
            if solved is not None:
                step, promised = solved
                point = self.vector.index_add(0, free, step.masked_fill(held, 0.0))
                found = self.objective(point)
                drop = self.now.value - found.value
                if math.isfinite(found.value) and drop > 0:
                    self._damping.succeed(drop / max(promised, 1e-300))
                    self.vector, self.now = point, found
                    return True
                left += not math.isfinite(found.value)
                if left == _SHORTER:
                    # A function at the end of its domain must not hold up all the others: its a and b wait.
                    held = self.objective.outside(point)[free]
                    gradient = gradient.masked_fill(held, 0.0)
                    curvature.diagonal()[held] *= _STIFF
                    self._damping = first
                    continue
            self._damping.fail()
        return False
