"""What every attribution method is: a frozen dataclass, called on a score, a point and its reference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor

from ascribe.core.score import Score
from ascribe.errors import MethodError


@final
@dataclass(frozen=True)
class Estimate:
    """Values with the error of each: a standard error, or a quadrature's own estimate."""

    values: Float[Tensor, "rows *shape"]
    error: Float[Tensor, "rows *shape"] | None


class Method(ABC):
    """A formula plus its knobs; its `repr` is the recipe.

    `laws` names what it promises: complete, dummy, linear, affine, symmetric, implementation_invariant (see
    `ascribe.testing`). `reference` says what `z0` is: "point", shape (1 or rows, *shape); "background", shape
    (draws, 1 or rows, *shape); or "nothing": the score itself is explained, and `z0` is a point to be left alone.
    `space` says what `z` is where the network is cut: the layer's value, or the input (then `f.record` gives the
    layer's).

    `yields` says what comes back: "place", values like those at the cut, or like the input where there is none, or
    (rows, players) for methods of players; "input", like the input also where the network is cut; "map", rows first and
    then a shape of the method's own; "pairs", (rows, players, players). `gradients` says that the score is
    differentiated, so that token ids must be explained at their embedding; `batchwise` that a row's values depend on
    the other rows of the call.
    """

    laws: ClassVar[frozenset[str]] = frozenset()
    reference: ClassVar[str] = "point"
    space: ClassVar[str] = "layer"
    yields: ClassVar[str] = "place"
    gradients: ClassVar[bool] = False
    batchwise: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """What legends and tables call it."""
        return type(self).__name__

    @abstractmethod
    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]) -> Tensor | Estimate:
        """Attributions of every row of z against z0."""


@final
@dataclass(frozen=True, repr=False)
class Recorded(Method):
    """A method as a file remembers it: its name and recipe, not its code."""

    name_in_file: str
    recipe: str

    @property
    def name(self) -> str:
        return self.name_in_file

    def __repr__(self) -> str:
        return self.recipe

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]) -> Tensor | Estimate:
        raise MethodError(f"{self.recipe} came from a file and cannot run; build the method again")
