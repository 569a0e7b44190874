"""Levenberg-Marquardt on the flat vector: all parameters in one dense system, for small networks."""

from __future__ import annotations

import math
from typing import final

from ascribe.errors import TrainingError
from ascribe.kan.fit.curvature import Curvature
from ascribe.kan.fit.objective import Evaluation, Objective
from ascribe.maths.levenberg import Damping, damped_step

ITERATIONS = 5  # of one step
LARGEST = 5000  # parameters
ARRIVED = 1e-4


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
            if not self._iterate():
                break
        self.arrived = before - self.now.value <= ARRIVED * abs(self.now.value)
        return self.now

    def _iterate(self, trials: int = 12) -> bool:
        """Whether a lower point was found."""
        free = self._curvature.free
        curvature = self._curvature(self.vector, self.now)
        gradient = self.now.gradient[free]
        for _ in range(trials):
            solved = damped_step(curvature, gradient, self._damping.value)
            if solved is not None:
                step, promised = solved
                point = self.vector.index_add(0, free, step)
                found = self.objective(point)
                drop = self.now.value - found.value
                if math.isfinite(found.value) and drop > 0:
                    self._damping.succeed(drop / max(promised, 1e-300))
                    self.vector, self.now = point, found
                    return True
            self._damping.fail()
        return False
