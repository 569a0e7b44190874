"""The z-box rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from ascribe.rules.relevance.layer import Layer, LayerRule, checked, share


@final
@dataclass(frozen=True)
class ZBox(LayerRule):
    r"""$R_i = \sum_j \frac{x_i w_{ij} - l_i w^+_{ij} - h_i w^-_{ij}}{\sum_k x_k w_{kj} - l_k w^+_{kj} - h_k w^-_{kj}}
    \,R_j$ for inputs in a box, $l \le x \le h$.

    For a first layer, whose inputs are pixels, say. `low` and `high` are numbers or tensors that broadcast to one row.
    The bias has no part in it.

    Source: Montavon et al. (2017), "Explaining nonlinear classification decisions with deep Taylor decomposition".
    """

    low: float | Tensor
    high: float | Tensor
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        checked(self.epsilon)

    def __call__(self, layer: Layer, relevance: Tensor) -> Tensor:
        x, weight = layer.x, layer.weight
        low, high = (torch.as_tensor(bound, dtype=x.dtype, device=x.device).expand_as(x) for bound in self._bounds)
        terms = [(x, weight), (-low, weight.clamp_min(0)), (-high, weight.clamp_max(0))]
        return share(layer, relevance, terms, self.epsilon)

    @property
    def _bounds(self) -> tuple[float | Tensor, float | Tensor]:
        return self.low, self.high
