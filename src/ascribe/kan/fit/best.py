"""The best state that a training has seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

Frame = dict[str, Tensor]  # a network's state, of which a vector replaces what is trained


@dataclass
class Best:
    """The state whose value was least, and how many looks ago that was."""

    frame: Frame
    vector: Float[Tensor, " parameters"]
    value: float = math.inf
    step: int = 0
    since: int = 0

    def look(self, value: float, step: int, frame: Frame, vector: Float[Tensor, " parameters"]) -> None:
        """Take a state for the best where it is; one that is no number is not."""
        self.since += 1
        if value < self.value:
            self.frame, self.vector = frame, vector.clone()
            self.value, self.step, self.since = value, step, 0
