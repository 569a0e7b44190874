"""A model that can be fitted, and says what it has learned."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor


class Model(ABC):
    """What `LimeBase` takes: batches of (features, output, weight) go in, a representation comes out."""

    @abstractmethod
    def fit(self, train_data: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Learn from the batches of a `DataLoader`."""

    @abstractmethod
    def representation(self) -> Tensor:
        """What was learned, such as coefficients."""

    @abstractmethod
    def __call__(self, x: Any) -> Any:
        """The prediction."""
