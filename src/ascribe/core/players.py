"""Players: the features that act together, one attribution each (every entry by itself, groups of columns, pixels)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import final

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor


@final
@dataclass(frozen=True)
class Players:
    """Player numbers 0..count-1 for the entries of a row, numbered in the order in which the entries name them.

    `ids` are of the shape of one row, for all rows; or, `by_row`, with the data rows in front. There a player may have
    no entry in some rows, where it makes no difference.
    """

    ids: Int[Tensor, "*shape"]
    names: Sequence[str]
    by_row: bool = False

    @property
    def count(self) -> int:
        return len(self.names)

    @property
    def single(self) -> bool:
        """Whether every entry is a player, in the order of the entries."""
        return not self.by_row and self.count == self.ids.numel()

    def of(self, rows: Int[Tensor, " n"]) -> Int[Tensor, "#n *shape"]:
        """The ids of these data rows; once where they are the same for all."""
        return self.ids[rows.to(self.ids.device)] if self.by_row else self.ids[None]

    def mask(self, coalitions: Bool[Tensor, "m players"], rows: Int[Tensor, " m"]) -> Bool[Tensor, "m *shape"]:
        """Which entries of these data rows are present when these players are."""
        if not self.by_row:
            return coalitions[:, self.ids]
        ids = self.of(rows)
        return coalitions.gather(1, ids.flatten(1)).view_as(ids)

    def gather(
        self, values: Shaped[Tensor, "n *shape"], rows: Int[Tensor, " n"] | None = None
    ) -> Shaped[Tensor, "n players"]:
        """Sums over every player's entries, in these data rows; in all of them, however often each, in order."""
        sums, flat = values.new_zeros(len(values), self.count), values.reshape(len(values), -1)
        if not self.by_row:
            return sums.index_add_(1, self.ids.flatten(), flat)
        ids = self.ids.repeat_interleave(len(values) // len(self.ids), 0) if rows is None else self.of(rows)
        return sums.scatter_add_(1, ids.flatten(1), flat)


def every_entry(shape: Sequence[int], names: Sequence[str], device: torch.device | None = None) -> Players:
    """Each entry is a player."""
    return Players(torch.arange(prod(shape), device=device).reshape(tuple(shape)), names)
