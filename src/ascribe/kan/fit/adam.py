"""Adam on the flat vector, one batch a step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor

from ascribe.kan.fit.objective import Evaluation, Objective

_MEAN, _SQUARE, _TINY = 0.9, 0.999, 1e-8
_STILL = 1e30
# Halvings of a step that leads where the objective is no number.
_HALVINGS, _SHORTER = 12, 4


@final
class Adam:
    """One update a step, with the coefficients' own scale: a step moves an edge by its scale times `length`.

    `factor` of that length is what a schedule sets. A step out of the domain of a function is shortened until it stays.
    Source: Kingma & Ba (2015).
    """

    def __init__(self, objective: Objective, length: float = 1e-2) -> None:
        self.objective, self._length = objective, length
        self.arrived, self.factor = False, 1.0
        self.vector = objective.parameters.read()
        self._scale = objective.parameters.scale_vector()
        # An entry that no coefficient moves is divided by so much that it stays.
        self._inverse = (1 / self._scale).clamp_(-_STILL, _STILL)
        self.restart()

    def restart(self) -> None:
        """Forget the past: coefficients stand for other splines now."""
        self._mean = torch.zeros_like(self.vector)
        self._square = torch.zeros_like(self.vector)
        self._count = 0
        self.now: Evaluation = self.objective(self.vector)

    def feed(self) -> None:
        """The objective has other rows; what was learnt from the others stays."""

    def step(self) -> Evaluation:
        gradient = self.now.gradient.mul_(self._scale)
        self._count += 1
        self._mean.lerp_(gradient, 1 - _MEAN)
        self._square.mul_(_SQUARE).addcmul_(gradient, gradient, value=1 - _SQUARE)
        torch.sqrt(self._square, out=gradient)
        exact = (1 - _SQUARE**self._count) ** -0.5
        divisor = torch.add(self._inverse * _TINY, gradient.mul_(self._inverse), alpha=exact)
        start, length = self.vector, self.factor * self._length / (1 - _MEAN**self._count)
        for trial in range(1 + _HALVINGS):
            self.vector = torch.addcdiv(start, self._mean, divisor, value=-length)
            self.now = self.objective(self.vector)
            if math.isfinite(self.now.value):
                break
            length /= 2
            if trial == _SHORTER:
                # A function at the end of its domain must not hold up all the others: its a and b stay.
                self._mean[self.objective.outside(self.vector)] = 0
                length *= 2 ** (_SHORTER + 1)
        return self.now

    def state(self) -> dict[str, Tensor]:
        return {"mean": self._mean, "square": self._square, "count": torch.tensor(self._count)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._mean, self._square = state["mean"].clone(), state["square"].clone()
        self._count = int(state["count"])
