"""The z-plus rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from torch import Tensor

from ascribe.rules.relevance.layer import Bias, Layer, LayerRule, checked, share


@final
@dataclass(frozen=True)
class ZPlus(LayerRule):
    r"""$R_i = \sum_j \frac{x_i w^+_{ij}}{\sum_k x_k w^+_{kj}}\,R_j$ with $w^+ = \max(w, 0)$.

    For layers whose inputs are not negative, such as those behind a rectifier; for others `AlphaBeta(1, 0)`.

    Source: Montavon et al. (2017), "Explaining nonlinear classification decisions with deep Taylor decomposition".
    """

    epsilon: float = 1e-6
    bias: Bias = "ignored"

    def __post_init__(self) -> None:
        checked(self.epsilon, self.bias)

    @property
    def conserves(self) -> bool:
        return self.bias == "shared"

    def __call__(self, layer: Layer, relevance: Tensor) -> Tensor:
        return share(layer, relevance, [(layer.x, _positive(layer.weight))], self.epsilon, self.bias, _positive)


def _positive(weight: Tensor) -> Tensor:
    return weight.clamp_min(0)
