"""The gamma rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from torch import Tensor

from ascribe.errors import MethodError
from ascribe.rules.relevance.layer import Bias, Layer, LayerRule, checked, share


@final
@dataclass(frozen=True)
class Gamma(LayerRule):
    r"""The epsilon rule with $w_{ij} + \gamma \max(w_{ij}, 0)$ for weights: what speaks for an output counts more.

    For layers whose inputs are not negative, such as those behind a rectifier. The bias is changed as the weights are,
    unless it is kept.

    Source: Montavon et al. (2019), "Layer-wise relevance propagation: an overview".
    """

    gamma: float = 0.25
    epsilon: float = 1e-6
    bias: Bias = "absorbs"

    def __post_init__(self) -> None:
        checked(self.epsilon, self.bias)
        if not 0 <= self.gamma < float("inf"):
            raise MethodError(f"gamma={self.gamma}; pass gamma >= 0, such as 0.25")

    @property
    def conserves(self) -> bool:
        return self.bias == "shared"

    def __call__(self, layer: Layer, relevance: Tensor) -> Tensor:
        weight = self._raised(layer.weight)
        return share(layer, relevance, [(layer.x, weight)], self.epsilon, self.bias, self._raised)

    def _raised(self, weight: Tensor) -> Tensor:
        return weight + self.gamma * weight.clamp_min(0)
