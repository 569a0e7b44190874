"""The identity rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from torch import Tensor

from ascribe.errors import MethodError
from ascribe.rules.relevance.layer import Layer, LayerRule


@final
@dataclass(frozen=True)
class Identity(LayerRule):
    """Relevance passes as it is; for layers whose outputs stand for their inputs one by one, such as batch norm."""

    @property
    def conserves(self) -> bool:
        return True

    def __call__(self, layer: Layer, relevance: Tensor) -> Tensor:
        if layer.x.shape != relevance.shape:
            raise MethodError(
                f"Identity() needs a layer with as many outputs as inputs, but this one gives {tuple(relevance.shape)} "
                f"for {tuple(layer.x.shape)}; use Epsilon() there"
            )
        return relevance
