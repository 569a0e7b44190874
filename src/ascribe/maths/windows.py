"""Windows that slide over a box of entries: where each lies, and how they share what they find among the entries."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor


@final
@dataclass(frozen=True)
class Windows:
    """Boxes of size `window` in a box of size `shape`, `strides` apart, numbered with the last dimension first.

    In every dimension the first begins at 0 and the last reaches the end, where it is cut off if it would pass it. So
    every entry is in a window as long as no stride is larger than its window, which `__post_init__` makes sure of.

    Raises ValueError for sizes that do not fit.

    >>> windows = Windows((5,), (2,), (2,)); [windows.box(i) for i in range(windows.count)]
    [(slice(0, 2, None),), (slice(2, 4, None),), (slice(4, 5, None),)]
    """

    shape: tuple[int, ...]
    window: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self) -> None:
        if not len(self.shape) == len(self.window) == len(self.strides):
            raise ValueError(f"window {self.window} and strides {self.strides} do not have a number for each dimension")
        for size, width, stride in zip(self.shape, self.window, self.strides, strict=True):
            if not 1 <= width <= size:
                raise ValueError(f"a window of {self.window} does not fit")
            if stride < 1 or (stride > width and width < size):
                raise ValueError(f"strides of {self.strides} leave gaps between windows of {self.window}")

    @property
    def steps(self) -> tuple[int, ...]:
        """The number of places of the window in every dimension."""
        return tuple(ceil((n - w) / s) + 1 for n, w, s in zip(self.shape, self.window, self.strides, strict=True))

    @property
    def count(self) -> int:
        return prod(self.steps)

    def box(self, number: int) -> tuple[slice, ...]:
        """The entries of one window."""
        found: list[slice] = []
        for step, size, width, stride in zip(
            reversed(self.steps), reversed(self.shape), reversed(self.window), reversed(self.strides), strict=True
        ):
            first = number % step * stride
            found.append(slice(first, min(first + width, size)))
            number //= step
        return tuple(reversed(found))

    def shared(self, values: Float[Tensor, "rows windows"]) -> Float[Tensor, "rows *shape"]:
        """Every entry gets the mean over the windows that it is in.

        The windows over an entry are all those over its place in each dimension, so the mean is taken one dimension at
        a time.

        >>> Windows((3,), (2,), (1,)).shared(torch.tensor([[1.0, 3.0]])).tolist()
        [[1.0, 2.0, 3.0]]
        """
        found = values.reshape(len(values), *self.steps)
        for dim, (step, size, width, stride) in enumerate(
            zip(self.steps, self.shape, self.window, self.strides, strict=True), 1
        ):
            first = torch.arange(step, device=values.device) * stride
            place = torch.arange(size, device=values.device)[:, None]
            over = ((first <= place) & (place < first + width)).to(values.dtype)
            found = (found.movedim(dim, -1) @ (over / over.sum(1, keepdim=True)).T).movedim(-1, dim)
        return found
