"""The epsilon rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from torch import Tensor

from ascribe.rules.relevance.layer import Bias, Layer, LayerRule, checked, share


@final
@dataclass(frozen=True)
class Epsilon(LayerRule):
    r"""$R_i = \sum_j \frac{x_i w_{ij}}{z_j + \epsilon\,\mathrm{sign}\,z_j}\,R_j$ with $z_j = \sum_i x_i w_{ij} + b_j$.

    What falls to the bias and to $\epsilon$ is lost on the way, unless `bias="shared"`.

    Source: Bach et al. (2015), "On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance
    propagation"; Arras et al. (2017) for the shared bias.
    """

    epsilon: float = 1e-6
    bias: Bias = "absorbs"

    def __post_init__(self) -> None:
        checked(self.epsilon, self.bias)

    @property
    def conserves(self) -> bool:
        return self.bias == "shared"

    def __call__(self, layer: Layer, relevance: Tensor) -> Tensor:
        return share(layer, relevance, [(layer.x, layer.weight)], self.epsilon, self.bias)
