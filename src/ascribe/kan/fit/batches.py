"""The rows of every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import torch

from ascribe.kan.fit.rows import Rows


@final
class Batches:
    """Pieces of the rows, reshuffled every epoch; an epoch's last piece too short to count is left out.

    All rows at once where `size` is their number. The same seed gives the same pieces.
    """

    def __init__(self, rows: Rows, size: int, seed: int) -> None:
        self.size = min(size, len(rows))
        self.whole = self.size == len(rows)
        self.epoch = len(rows) // self.size  # steps of an epoch
        self.drawn = 0
        self._rows, self._pieces = rows, self._draw(seed)

    def next(self) -> Rows:
        self.drawn += 1
        return self._rows if self.whole else self._rows.take(next(self._pieces))

    def skip(self, count: int) -> None:
        """As if so many pieces had been drawn."""
        for _ in range(0 if self.whole else count):
            next(self._pieces)
        self.drawn += count

    def _draw(self, seed: int) -> Iterator[torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        while True:
            order = torch.randperm(len(self._rows), generator=generator).to(self._rows.inputs.device)
            yield from (order[first : first + self.size] for first in range(0, self.epoch * self.size, self.size))
