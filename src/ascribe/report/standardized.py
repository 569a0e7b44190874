"""A network in the units of the table: raw columns in, the target's own units out."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.kan.network import KAN


class Standardized(nn.Module):
    r"""$\bar y + s_y\, g((\mathrm{clip}(x) - \bar x) / s_x)$: a network for standardised columns, told raw ones.

    For two classes g has one output and the result is the log-odds of the second class; for more the logits are
    centred, which changes no probability and makes every class count alike.
    """

    low: Tensor
    high: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(
        self, kan: KAN, rows: Float[np.ndarray, "rows features"], limits: Float[np.ndarray, "2 features"]
    ) -> None:
        super().__init__()
        within = rows.clip(*limits)
        spread = within.std(axis=0)
        self.kan = kan
        for name, values in (
            ("low", limits[0]),
            ("high", limits[1]),
            ("mean", within.mean(axis=0)),
            ("scale", np.where(spread > 0, spread, 1.0)),
        ):
            self.register_buffer(name, torch.from_numpy(values).float())
        self.out_mean, self.out_scale = 0.0, 1.0

    def inward(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows features"]:
        """What the network inside sees."""
        return (x.clamp(self.low, self.high) - self.mean) / self.scale

    def units(self) -> dict[str, list[float | None] | float]:
        """The numbers of the formula, for who has the network inside alone; None where nothing is clipped."""
        own = {name: getattr(self, name).tolist() for name in ("low", "high", "mean", "scale")}
        return {
            **{name: [v if math.isfinite(v) else None for v in values] for name, values in own.items()},
            "out_mean": float(self.out_mean),
            "out_scale": float(self.out_scale),
        }

    def forward(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows outputs"]:
        output = self.kan(self.inward(x)) * self.out_scale + self.out_mean
        return output - output.mean(dim=-1, keepdim=True) if output.shape[-1] > 1 else output
