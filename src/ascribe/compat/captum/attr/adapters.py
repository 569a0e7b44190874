"""Methods that say about another method what Captum's classes say about theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Estimate
from ascribe.core.score import Score
from ascribe.methods.around import Around


@dataclass(frozen=True)
class Asking(Around):
    """A method that asks another one about its values alone."""

    def ask(self, f: Score, z: Tensor, z0: Tensor) -> Tensor:
        """The inner method's values."""
        found = self.inner(f, z, z0)
        return found.values if isinstance(found, Estimate) else found


@final
@dataclass(frozen=True)
class Absolute(Asking):
    """The size of another method's values, which is what Captum's `Saliency` shows unless told otherwise."""

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]) -> Tensor:
        return self.ask(f, z, z0).abs()


@final
@dataclass(frozen=True)
class Against(Asking):
    """Another method against these values at the layer, whatever the layer gives for the baseline of the input."""

    values: Any = 0.0

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]) -> Tensor:
        return self.ask(f, z, torch.as_tensor(self.values, dtype=z.dtype, device=z.device).expand_as(z0).clone())
