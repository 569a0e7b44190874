"""Guided backpropagation, where Grad-CAM sees the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.interpolation import Mode, upsampled
from ascribe.methods.grad_cam import GradCAM
from ascribe.methods.guided_backprop import GuidedBackprop


@final
@dataclass(frozen=True)
class GuidedGradCAM(Method):
    r"""`GuidedBackprop` at the input times the layer's `GradCAM`, laid over the input. Say which layer with `at=`.

    `mode`: "nearest", "linear" (bilinear for images), "bicubic" or "area", as in `upsampled`. `channels` and `grid` are
    those of `GradCAM`. Of several inputs, those whose places the map cannot be laid over get NaN.

    Raises MethodError where there is no input that it can be laid over.

    Source: Selvaraju et al. (2017), "Grad-CAM: visual explanations from deep networks via gradient-based localization".
    """

    mode: Mode = "nearest"
    channels: int = 1
    grid: tuple[int, ...] | None = None

    laws: ClassVar[frozenset[str]] = frozenset({"dummy"})
    reference: ClassVar[str] = "nothing"
    space: ClassVar[str] = "input"
    yields: ClassVar[str] = "input"
    gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise MethodError(f"mode={self.mode!r} is not known; pass one of {', '.join(get_args(Mode))}")

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]
    ) -> Float[Tensor, "rows *shape"]:
        seen = GradCAM(channels=self.channels, grid=self.grid)(f, z, z0)
        slopes = GuidedBackprop()(f, z, z0)
        assert isinstance(slopes, Tensor)
        form = f.form
        reasons: list[str] = []
        parts = tuple(self._laid(seen, part, reasons) for part in form.unpack(slopes))
        if len(reasons) == len(parts):
            raise MethodError(f"Grad-CAM's map fits no input: {reasons[0]}; see `mode`, `channels` and `grid`")
        return form.pack(parts)

    def _laid(self, seen: Float[Tensor, "rows 1 *space"], slopes: Tensor, reasons: list[str]) -> Tensor:
        """One input's part of the result."""
        try:
            return slopes * upsampled(seen, tuple(slopes.shape[2:]), self.mode)
        except ValueError as error:
            reasons.append(str(error))
            return torch.full_like(slopes, torch.nan)
