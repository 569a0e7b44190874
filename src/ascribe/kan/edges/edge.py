"""What every edge function offers, whatever its family."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels.basis import Extrapolate


@runtime_checkable
class Edge(Protocol):
    """A space of functions on the grid of an input; a curve is its coefficients times the bases.

    A grid of so many cells has cells + 2 order + 1 knots, of which the ones from `order` to `order + cells` are the
    grid proper, and there are cells + order bases. `laws` says what `ascribe.testing.check_edge` proves of it.
    """

    @property
    def order(self) -> int: ...

    @property
    def extrapolate(self) -> Extrapolate: ...

    @property
    def laws(self) -> frozenset[str]: ...

    def knots(
        self, low: Float[Tensor, " inputs"], high: Float[Tensor, " inputs"], cells: int
    ) -> Float[Tensor, "inputs knots"]:
        """The knots to begin with, between low and high."""
        ...

    def bases(
        self, x: Float[Tensor, "inputs n"], knots: Float[Tensor, "inputs knots"], derivative: int = 0
    ) -> Float[Tensor, "inputs bases n"]:
        """Every basis at x, or a derivative of it."""
        ...

    def fit(
        self, x: Float[Tensor, "inputs n"], y: Float[Tensor, "inputs outputs n"], knots: Float[Tensor, "inputs knots"]
    ) -> Float[Tensor, "inputs outputs bases"]:
        """The coefficients of the curves nearest to the points."""
        ...

    def refine(
        self, knots: Float[Tensor, "inputs knots"], coefficients: Float[Tensor, "inputs outputs bases"], cells: int
    ) -> tuple[Float[Tensor, "inputs more_knots"], Float[Tensor, "inputs outputs more_bases"]]:
        """The curves on more cells: the same ones where the edge has the law "refines", otherwise the nearest."""
        ...

    def formula(self, x: Any, knots: Float[Tensor, " knots"], coefficients: Float[Tensor, " bases"]) -> Any:
        """One curve in sympy's words, where its input is the expression x.

        A Piecewise, of which the first and the last piece lie outside the grid.
        """
        ...
