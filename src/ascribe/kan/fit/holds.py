"""What the regulariser adds to the gradient of one layer on the way back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Statistics = tuple[Float[Tensor, " _"], Float[Tensor, " _"]]  # mean and standard deviation of features


@dataclass(frozen=True)
class Drift:
    """The gradient in deviations over (n - 1) deviations, and the means: row r gets rate * (x_r - centre)."""

    rate: Float[Tensor, " features"]
    centre: Float[Tensor, " features"]

    @classmethod
    def of(cls, slope: Float[Tensor, " features"], statistics: Statistics, rows: int) -> Drift:
        """0 where a feature does not vary."""
        mean, deviation = statistics
        tiny = torch.finfo(deviation.dtype).tiny
        return cls(slope.to(deviation) / (deviation.clamp(min=tiny) * max(1, rows - 1)), mean)

    def on(self, x: Float[Tensor, "features n"]) -> Float[Tensor, "features n"]:
        """The gradient in x."""
        return (self.rate[:, None] * (x - self.centre[:, None])).to(x.dtype)


@dataclass(frozen=True)
class Hold:
    """On one layer, with lamb."""

    pull: Float[Tensor, "_ _"]  # the gradient in the spread of every edge, over that spread
    inputs: Drift
    whole: Float[Tensor, "edges n"] | None = None  # in the values of symbolic edges, which `pull` then leaves out
