"""The alpha-beta rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from torch import Tensor

from ascribe.errors import MethodError
from ascribe.rules.relevance.layer import Bias, Layer, LayerRule, checked, share


@final
@dataclass(frozen=True)
class AlphaBeta(LayerRule):
    r"""$R_i = \sum_j \big(\alpha \frac{(x_i w_{ij})^+}{z^+_j} - \beta \frac{(x_i w_{ij})^-}{z^-_j}\big) R_j$, where
    $z^\pm_j = \sum_i (x_i w_{ij})^\pm + b^\pm_j$ and $\alpha - \beta = 1$.

    What speaks for an output and what speaks against it are shared out apart, whatever the signs of the inputs. An
    output that nothing speaks against passes on $\alpha R_j$, one that nothing speaks for $-\beta R_j$, unless
    `bias="shared"`, which shares these parts evenly.

    Source: Bach et al. (2015), "On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance
    propagation".
    """

    alpha: float = 2.0
    beta: float = 1.0
    epsilon: float = 1e-6
    bias: Bias = "absorbs"

    def __post_init__(self) -> None:
        checked(self.epsilon, self.bias)
        if self.beta < 0 or abs(self.alpha - self.beta - 1) > 1e-9:
            raise MethodError(
                f"alpha={self.alpha} and beta={self.beta}; pass beta >= 0 and alpha = 1 + beta, such as 2 and 1"
            )

    @property
    def conserves(self) -> bool:
        return self.bias == "shared"

    def __call__(self, layer: Layer, relevance: Tensor) -> Tensor:
        (more, less), (up, down) = _parted(layer.x), _parted(layer.weight)
        rest = self.epsilon, self.bias
        speaks_for = share(layer, self.alpha * relevance, [(more, up), (less, down)], *rest, lambda b: b.clamp_min(0))
        if self.beta == 0:
            return speaks_for
        against = share(layer, self.beta * relevance, [(more, down), (less, up)], *rest, lambda b: b.clamp_max(0))
        return speaks_for - against


def _parted(values: Tensor) -> tuple[Tensor, Tensor]:
    return values.clamp_min(0), values.clamp_max(0)
