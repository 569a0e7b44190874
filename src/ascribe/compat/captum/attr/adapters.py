"""Methods that say about another method what Captum's classes say about theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score


@dataclass(frozen=True)
class Around(Method):
    """A method that asks another one, and is about what that is about."""

    inner: Method

    @property
    def reference(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.reference

    @property
    def space(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.space

    @property
    def yields(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.yields

    @property
    def gradients(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.gradients

    def ask(self, f: Score, z: Tensor, z0: Tensor) -> Tensor:
        """The inner method's values."""
        found = self.inner(f, z, z0)
        return found.values if isinstance(found, Estimate) else found


@final
@dataclass(frozen=True)
class Absolute(Around):
    """The size of another method's values, which is what Captum's `Saliency` shows unless told otherwise."""

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]) -> Tensor:
        return self.ask(f, z, z0).abs()


@final
@dataclass(frozen=True)
class Against(Around):
    """Another method against these values at the layer, whatever the layer gives for the baseline of the input."""

    values: Any = 0.0

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]) -> Tensor:
        return self.ask(f, z, torch.as_tensor(self.values, dtype=z.dtype, device=z.device).expand_as(z0).clone())
