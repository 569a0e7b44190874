"""What every figure of trust is: a frozen dataclass, called on a score and the attributions to judge."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Float, Float64
from torch import Tensor

from ascribe.core.score import Score


class Metric(ABC):
    """A formula plus its knobs, that gives one number a row.

    It judges any number of attributions of the same score at once (dimensions before the rows), so that what they have
    in common is evaluated once. `values` has a column a player. The rows of `z0` stand in for absent players.

    `name` is what tables call it; `best` says which end is good, "low" or "high"; `compared`, whether `compare` asks
    for it. `laws` names what it promises (see `ascribe.testing`): "truth", no attribution of an affine score is better
    than the contributions themselves; "symmetric", the order in which the players are named does not matter.
    """

    name: ClassVar[str]
    best: ClassVar[str] = "low"
    compared: ClassVar[bool] = True
    laws: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def __call__(
        self,
        f: Score,
        values: Float[Tensor, "*methods rows players"],
        z: Float[Tensor, "rows *shape"],
        z0: Float[Tensor, "draws any *shape"],
    ) -> Float64[Tensor, "*methods rows"]:
        """The figure of every row, for each attribution."""
