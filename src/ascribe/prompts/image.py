"""An image whose segments are the players."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.prompts.prompt import Prompt


def _as_it_is(image: Any) -> Any:
    return image


@final
@dataclass(frozen=True)
class MaskedImage(Prompt):
    """An image of which segments are covered with one colour.

    `image`: an array (height, width) or (height, width, channels), or an image of Pillow. `segments`: whole numbers
    (height, width), the segment of each pixel, or a list of boolean masks, which may overlap; nothing: the image is
    one. `processor` makes the model's inputs of an image in the form it was given, a processor of Hugging Face with
    its text for instance: a dict with "input_ids".

    Raises InputError for segments that are not of the image's size.

    >>> MaskedImage(np.zeros((2, 2, 3)), np.array([[0, 1], [0, 1]])).names
    ('segment 0', 'segment 1')
    """

    image: Any
    segments: Any = None
    baseline: float | int | Sequence[float | int] = (255, 255, 255)
    processor: Callable[[Any], Any] = _as_it_is

    def __post_init__(self) -> None:
        size = tuple(self._pixels.shape[:2])
        shapes = [tuple(np.shape(part)) for part in (self.segments if self._listed else [self.segments])]
        if self._listed and not shapes:
            raise InputError("segments=[] names no part of the image; pass a mask of the image's size, or none")
        if wrong := [shape for shape in shapes if self.segments is not None and shape != size]:
            raise InputError(f"segments have shape {wrong[0]}, but the image is {size} (height, width); pass that")

    @property
    def _listed(self) -> bool:
        return isinstance(self.segments, (list, tuple))

    @property
    def _pixels(self) -> Any:
        return np.asarray(self.image)

    @property
    def numbers(self) -> tuple[int, ...]:
        """What the segments are called in `segments`; in a list, their place."""
        if self._listed:
            return tuple(range(len(self.segments)))
        return (0,) if self.segments is None else tuple(np.unique(np.asarray(self.segments)).tolist())

    @property
    def masks(self) -> Bool[Tensor, "players height width"]:
        """The pixels of every segment."""
        if self._listed:
            return torch.stack([torch.as_tensor(np.asarray(mask)).bool() for mask in self.segments])
        if self.segments is None:
            return torch.ones(1, *self._pixels.shape[:2], dtype=torch.bool)
        return torch.stack([torch.as_tensor(np.asarray(self.segments) == number) for number in self.numbers])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"segment {number}" for number in self.numbers)

    def covered(self, codes: Int[Tensor, " players"]) -> Any:
        """The image, in the form it was given, without the segments that are absent."""
        absent = self.masks[codes != 1].any(0).numpy()
        if not absent.any():
            return self.image
        pixels = self._pixels.copy()
        pixels[absent] = self.baseline
        if isinstance(self.image, np.ndarray):
            return pixels
        if isinstance(self.image, Tensor):
            return torch.as_tensor(pixels)
        return need("PIL.Image", extra="plot").fromarray(pixels)

    def filled(self, codes: Int[Tensor, " players"]) -> Any:
        return self.processor(self.covered(codes))

    def spread(self, values: Float[Tensor, "*lead players"]) -> Float[Tensor, "*lead height width"]:
        """Every pixel with the value of its segment, or the sum where segments overlap."""
        return torch.tensordot(values, self.masks.to(values), dims=1)
