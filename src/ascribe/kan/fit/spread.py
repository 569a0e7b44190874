"""The deviations of nodes over the rows, and what a gradient in them adds to the nodes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Spread(NamedTuple):
    """Mean and unbiased standard deviation of every feature; deviation 0 below two rows."""

    mean: Float[Tensor, "features 1"]
    deviation: Float[Tensor, " features"]

    @classmethod
    def of(cls, x: Float[Tensor, "features n"]) -> Spread:
        mean = x.mean(1, keepdim=True)
        centred = x - mean
        return cls(mean, (torch.linalg.vecdot(centred, centred) / max(1, x.shape[1] - 1)).sqrt_())

    def add_backward(
        self, to: Float[Tensor, "features n"], x: Float[Tensor, "features n"], gradient: Float[Tensor, " features"]
    ) -> None:
        """Add the gradient in x to `to`: 0 where a feature does not vary."""
        tiny = torch.finfo(x.dtype).tiny
        rate = gradient / (self.deviation.clamp(min=tiny) * max(1, x.shape[1] - 1))
        to.addcmul_(x - self.mean, rate[:, None])
