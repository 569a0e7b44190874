"""What a family of edge functions is: so many functions on [-1, 1], their derivatives, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class Derivatives(Protocol):
    """Every function of the family at every t, and its derivatives up to the highest asked for.

    Made of torch's differentiable operations, none of them in place; what is not a number stays so.
    """

    def __call__(
        self, t: Float[Tensor, "inputs n"], count: int, order: int, highest: int
    ) -> list[Float[Tensor, "inputs count n"]]: ...


@runtime_checkable
class ClosedForm(Protocol):
    """The sum of the functions times their coefficients, in sympy's words."""

    def __call__(self, t: Any, coefficients: Sequence[float | int], order: int) -> Any: ...


@dataclass(frozen=True)
class Family:
    """`count` functions on [-1, 1], which an edge stretches over the range of its grid; `order` is what it makes of it.

    `nested`: the functions stay what they are when there are more of them. `unity`: they sum to 1.
    """

    name: str
    derivatives: Derivatives
    formula: ClosedForm
    nested: bool = False
    unity: bool = False
