"""Captum's search for neighbours: the form of an index, and an exact one that needs no other library."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from ascribe.influence.neighbours import ExactNeighbours as ExactNearestNeighbors

__all__ = ["ExactNearestNeighbors", "NearestNeighbors"]


class NearestNeighbors(ABC):
    """An index of a user's own."""

    @abstractmethod
    def get_nearest_neighbors(self, query: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The numbers of the `k` with the largest inner products, largest first, and the inner products."""

    @abstractmethod
    def setup(self, data: Tensor) -> None:
        """Take the data to search in."""
