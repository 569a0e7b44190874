"""A search for the vectors with the largest inner products."""

from __future__ import annotations

from typing import Protocol, final, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.influence.ranked import top


@runtime_checkable
class Neighbours(Protocol):
    """A search for the data with the largest inner products; other libraries' indexes fit this."""

    def setup(self, data: Tensor) -> None: ...

    def get_nearest_neighbors(self, query: Tensor, k: int) -> tuple[Tensor, Tensor]: ...


@final
class ExactNeighbours:
    """Every inner product, a piece of the queries at a time: exact, and needs nothing but torch.

    >>> search = ExactNeighbours(); search.setup(torch.eye(3)); search.get_nearest_neighbors(torch.eye(3)[:1], 1)[0]
    tensor([[0]])
    """

    def __init__(self, memory: int = 2**26) -> None:
        self._numbers = memory // 8
        self._data = torch.empty(0, 0)

    def setup(self, data: Float[Tensor, "examples *shape"]) -> None:
        """Take the data to search in."""
        self._data = data.flatten(1)

    def get_nearest_neighbors(self, query: Float[Tensor, "queries *shape"], k: int) -> tuple[Tensor, Tensor]:
        """The numbers of the `k` with the largest inner products, largest first, and the inner products."""
        pieces = query.flatten(1).split(max(1, self._numbers // max(1, len(self._data))))
        found = [top(piece @ self._data.T, k) for piece in pieces]
        return torch.cat([one.indices for one in found]), torch.cat([one.influence_scores for one in found])
