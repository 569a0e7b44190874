"""The samples of edges, in the units in which a fit sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor


@final
@dataclass(frozen=True)
class Samples:
    """Samples of every source and edge, y of mean 0 and variance 1; ends of x over all samples."""

    x: Tensor  # (sources, n)
    z: Tensor  # (edges, n) x in [-1, 1]
    y: Tensor  # (edges, n)
    of: Tensor
    low: Tensor
    high: Tensor
    mean: Tensor
    size: Tensor

    @staticmethod
    def scaled(x: Tensor, y: Tensor, of: Tensor) -> Samples:
        low, high = x.amin(1)[of], x.amax(1)[of]
        mean = y.mean(1)
        centred = y - mean[:, None]
        size = centred.square().mean(1).sqrt()
        # What is constant to rounding has no variance to explain.
        size = torch.where(size > 1e-14 * y.abs().amax(1), size, 0.0)
        half = ((high - low) / 2).clamp(min=1e-300)
        z = (x[of] - ((low + high) / 2)[:, None]) / half[:, None]
        unit = torch.where(size[:, None] > 0, centred / size.clamp(min=1e-300)[:, None], 0.0)
        return Samples(x, z, unit, of, low, high, mean, size)

    @property
    def half(self) -> Tensor:
        return ((self.high - self.low) / 2).clamp(min=1e-300)

    @property
    def middle(self) -> Tensor:
        return (self.low + self.high) / 2

    def some(self, samples: Tensor) -> Samples:
        """These samples (sources, m) of each source; means and ends stay those of all."""
        own = samples[self.of]
        y = self.y.gather(1, own)
        y = y - y.mean(1, keepdim=True)
        size = y.square().mean(1, keepdim=True).sqrt()
        return Samples(
            self.x.gather(1, samples),
            self.z.gather(1, own),
            y / size.clamp(min=1e-300),
            self.of,
            self.low,
            self.high,
            self.mean,
            self.size,
        )
