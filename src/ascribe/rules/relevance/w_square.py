"""The w-square rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from ascribe.rules.relevance.layer import Layer, LayerRule, share


@final
@dataclass(frozen=True)
class WSquare(LayerRule):
    r"""$R_i = \sum_j \frac{w_{ij}^2}{\sum_k w_{kj}^2}\,R_j$, whatever the inputs are.

    For a first layer whose inputs are not bounded.

    Source: Montavon et al. (2017), "Explaining nonlinear classification decisions with deep Taylor decomposition".
    """

    @property
    def conserves(self) -> bool:
        return True

    def __call__(self, layer: Layer, relevance: Tensor) -> Tensor:
        return share(layer, relevance, [(torch.ones_like(layer.x), layer.weight.square())], 0.0)
