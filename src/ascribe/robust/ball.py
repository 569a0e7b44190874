"""Balls around a point that an attack stays in."""

from __future__ import annotations

from typing import Protocol, final, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class Ball(Protocol):
    """The changes of a row that are no longer than a radius."""

    def clip(self, change: Float[Tensor, "rows *shape"], radius: float | int) -> Float[Tensor, "rows *shape"]:
        """The nearest change in the ball."""
        ...

    def draw(
        self, like: Float[Tensor, "rows *shape"], radius: float | int, generator: torch.Generator
    ) -> Float[Tensor, "rows *shape"]:
        """A change uniformly at random from the ball, for every row."""
        ...


@final
class Linf:
    """No entry changes by more than the radius."""

    def clip(self, change: Float[Tensor, "rows *shape"], radius: float | int) -> Float[Tensor, "rows *shape"]:
        return change.clamp(-radius, radius)

    def draw(
        self, like: Float[Tensor, "rows *shape"], radius: float | int, generator: torch.Generator
    ) -> Float[Tensor, "rows *shape"]:
        return torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device) * radius * 2 - radius


@final
class L2:
    """The Euclidean length of a row's change is no more than the radius."""

    def clip(self, change: Float[Tensor, "rows *shape"], radius: float | int) -> Float[Tensor, "rows *shape"]:
        return torch.renorm(change, 2, 0, radius)

    def draw(
        self, like: Float[Tensor, "rows *shape"], radius: float | int, generator: torch.Generator
    ) -> Float[Tensor, "rows *shape"]:
        ahead = torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device).flatten(1)
        # The volume of a ball grows with its radius to the power of its dimensions.
        part = torch.rand(len(like), generator=generator, dtype=torch.get_default_dtype(), device=like.device)
        length = part.to(like.dtype) ** (1 / ahead.shape[1]) * radius
        return (length[:, None] * torch.nn.functional.normalize(ahead)).reshape(like.shape)


BALLS: dict[str, Ball] = {"Linf": Linf(), "L2": L2()}
