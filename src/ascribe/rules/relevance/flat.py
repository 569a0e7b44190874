"""The flat rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from torch import Tensor

from ascribe.rules.relevance.layer import Layer, LayerRule, share_evenly


@final
@dataclass(frozen=True)
class Flat(LayerRule):
    r"""$R_i = \sum_j R_j / n_j$: an output's relevance goes to all $n_j$ inputs that it sees, whatever they are.

    For a first layer, where regions matter and not pixels.

    Source: Lapuschkin et al. (2019), "Unmasking Clever Hans predictors and assessing what machines really learn".
    """

    @property
    def conserves(self) -> bool:
        return True

    def __call__(self, layer: Layer, relevance: Tensor) -> Tensor:
        return share_evenly(layer, relevance)
