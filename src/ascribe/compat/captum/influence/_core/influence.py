"""`captum.influence.DataInfluence`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class DataInfluence(ABC):
    """What says how much training examples influence others."""

    @abstractmethod
    def influence(self, *args: Any, **kwargs: Any) -> Any:
        """The influence on these inputs."""

    @classmethod
    def get_name(cls) -> str:
        """The name of the class."""
        return cls.__name__
