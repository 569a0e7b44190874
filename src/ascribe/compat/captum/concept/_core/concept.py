"""`captum.concept.Concept` and `ConceptInterpreter`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from torch import nn


class Concept:
    """Examples under a number and a name."""

    def __init__(self, id: int, name: str, data_iter: Iterable[Any] | None) -> None:
        self.id, self.name, self.data_iter = id, name, data_iter

    @property
    def identifier(self) -> str:
        """Name and number."""
        return f"{self.name}-{self.id}"

    def __repr__(self) -> str:
        return f"Concept({self.id!r}, {self.name!r})"


class ConceptInterpreter(ABC):
    """What explains a model by concepts."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    @abstractmethod
    def interpret(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Scores of the concepts for these inputs."""
