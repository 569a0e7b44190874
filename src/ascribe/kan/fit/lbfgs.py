"""L-BFGS on the flat vector, in the metric of the edges."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.metric import EdgeMetric
from ascribe.kan.fit.objective import Evaluation, Objective
from ascribe.maths.lbfgs import Memory, Trial, strong_wolfe

ITERATIONS = 20  # of one step
EVALUATIONS = 25  # of one line search at the most
MEMORY = 10
# A step that lowers the objective by less than this share has arrived; more steps would only polish rounding.
ARRIVED = 1e-6


@final
class LBFGS:
    """Twenty iterations a step; the metric is made anew at every step, its regulariser's part at every iteration."""

    def __init__(self, objective: Objective, length: float = 1.0) -> None:
        self.objective, self._length = objective, length
        self.vector = objective.parameters.read()
        self.restart()

    def restart(self) -> None:
        """Forget the past: the objective has changed."""
        self._memory = Memory(MEMORY)
        self.now: Evaluation = self.objective(self.vector)
        self.arrived = False

    def feed(self) -> None:
        """The objective has other rows: the curvature of the others does not hold for them."""
        self.restart()

    def step(self) -> Evaluation:
        if self.arrived:
            return self.now
        before = self.now.value
        metric = EdgeMetric(self.objective, self.vector)
        for _ in range(ITERATIONS):
            metric.follow(self.now)
            if not self._iterate(metric):
                # The remembered curvature may be misleading; the metric alone gets one more chance.
                if not len(self._memory):
                    break
                self._memory = Memory(MEMORY)
        self.arrived = before - self.now.value <= ARRIVED * abs(self.now.value)
        return self.now

    def _iterate(self, metric: EdgeMetric) -> bool:
        """Whether a lower point was found."""
        direction = self._memory.direction(self.now.gradient, metric)
        slope = float(self.now.gradient @ direction)
        seen: dict[float, tuple[Float[Tensor, " parameters"], Evaluation]] = {}

        def at(length: float) -> Trial:
            point = torch.add(self.vector, direction, alpha=length)
            found = self.objective(point)
            seen[length] = point, found
            return Trial(length, found.value, float(found.gradient @ direction))

        start = Trial(0.0, self.now.value, slope)
        best = strong_wolfe(at, start, self._length, limit=EVALUATIONS)
        if best.length not in seen:
            return False
        point, found = seen[best.length]
        self._memory.remember(point - self.vector, found.gradient - self.now.gradient)
        self.vector, self.now = point, found
        return True
