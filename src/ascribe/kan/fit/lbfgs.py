"""L-BFGS on the flat vector, in the metric of the edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.metric import EdgeMetric
from ascribe.kan.fit.objective import Evaluation, Objective
from ascribe.maths.lbfgs import Memory, Trial, wolfe

ITERATIONS, EVALUATIONS = 20, 25  # of one step at the most, as in pykan
MEMORY = 15
# Trials on a line. Where an edge vanishes the regulariser has a kink, and curvature remembered from across it can
# mislead badly: what does not help within four trials is forgotten, and the metric alone gets as many as it needs.
TRIALS, PATIENT_TRIALS = 4, 25
# So many iterations that lower the objective by less than this share have arrived; more would only polish.
GLANCE, ARRIVED = 8, 4e-5


@final
class LBFGS:
    """The metric is made anew at every step and when a direction fails, its regulariser's part at every iteration."""

    def __init__(self, objective: Objective, length: float = 1.0) -> None:
        self.objective, self._length = objective, length
        self.vector = objective.parameters.read()
        self.restart()

    def restart(self) -> None:
        """Forget the past: the objective has changed."""
        self._memory, self._metric = Memory(MEMORY), EdgeMetric(self.objective)
        self.now: Evaluation = self.objective(self.vector)
        self.arrived = False

    def feed(self) -> None:
        """The objective has other rows: the curvature of the others does not hold for them."""
        self.restart()

    def step(self) -> Evaluation:
        if self.arrived:
            return self.now
        self._evaluations = 0
        values = [self.now.value]
        self._metric.look(self.vector, self.now)
        for _ in range(ITERATIONS):
            if self._iterate():
                self._metric.follow(self.vector, self.now)
            elif len(self._memory):
                self._memory = Memory(MEMORY)
                self._metric.look(self.vector, self.now)
            else:
                self.arrived = True
                break
            values.append(self.now.value)
            if len(values) > GLANCE and values[-GLANCE - 1] - self.now.value <= ARRIVED * abs(self.now.value):
                self.arrived = True
                break
            if self._evaluations >= EVALUATIONS:
                break
        return self.now

    def state(self) -> dict[str, Tensor]:
        return {"arrived": torch.tensor(self.arrived), **self._memory.state()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.arrived = bool(state["arrived"])
        self._memory.restore(state)

    def _iterate(self) -> bool:
        """Whether a lower point was found."""
        direction = self._memory.direction(self.now.gradient, self._metric)
        slope = float(self.now.gradient @ direction)
        seen: dict[float, tuple[Float[Tensor, " parameters"], Evaluation]] = {}

        def at(length: float) -> Trial:
            point = torch.add(self.vector, direction, alpha=length)
            found = self.objective(point)
            seen[length] = point, found
            return Trial(length, found.value, float(found.gradient @ direction))

        start = Trial(0.0, self.now.value, slope)
        limit = TRIALS if len(self._memory) else PATIENT_TRIALS
        best = wolfe(at, start, self._length, limit=limit)
        self._evaluations += len(seen)
        if best.length not in seen:
            return False
        point, found = seen[best.length]
        self._memory.remember(point - self.vector, found.gradient - self.now.gradient)
        self.vector, self.now = point, found
        return True
