"""The B-spline edge."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.closed_form import number, pieces, polynomial
from ascribe.maths.kernels.basis import Extrapolate
from ascribe.maths.kernels.recursion import splines, table
from ascribe.maths.splines import fit_coefficients, insert_knots, refine_knots, uniform_knots


@final
@dataclass(frozen=True)
class BSpline:
    r"""$\sum_m c_m B_m(x)$: piecewise polynomials of degree `order`, smooth to one derivative less.

    Laws: the bases sum to 1 inside the grid ("unity"), more knots keep the function ("refines"), no derivative is left
    above the order ("pieces"), and outside the grid the function goes on as a straight line ("straight") or fades to 0
    ("fades").

    Source: de Boor (1978), A Practical Guide to Splines.
    """

    order: int = 3
    extrapolate: Extrapolate = "linear"
    kinds: ClassVar[frozenset[str]] = frozenset({"unity", "refines", "pieces"})

    @property
    def laws(self) -> frozenset[str]:
        return self.kinds | {"straight" if self.extrapolate == "linear" else "fades"}

    def knots(
        self, low: Float[Tensor, " inputs"], high: Float[Tensor, " inputs"], cells: int
    ) -> Float[Tensor, "inputs knots"]:
        """Equal cells between low and high."""
        return uniform_knots(low, high, cells, self.order)

    def bases(
        self, x: Float[Tensor, "inputs n"], knots: Float[Tensor, "inputs knots"], derivative: int = 0
    ) -> Float[Tensor, "inputs bases n"]:
        """Every basis at x, or a derivative of it."""
        return splines(x, table(knots, self.order, self.extrapolate), derivative)

    def fit(
        self, x: Float[Tensor, "inputs n"], y: Float[Tensor, "inputs outputs n"], knots: Float[Tensor, "inputs knots"]
    ) -> Float[Tensor, "inputs outputs bases"]:
        """The coefficients of the curves nearest to the points."""
        return fit_coefficients(self.bases(x, knots), y)

    def refine(
        self, knots: Float[Tensor, "inputs knots"], coefficients: Float[Tensor, "inputs outputs bases"], cells: int
    ) -> tuple[Float[Tensor, "inputs more_knots"], Float[Tensor, "inputs outputs more_bases"]]:
        """The same curves on more cells, to one rounding of a coefficient."""
        # On knots that the dtype can hold, in float64: rounding does not build up from knot to knot.
        added = refine_knots(knots, self.order, cells).double()
        more, fine = insert_knots(knots.double(), coefficients.double(), self.order, added)
        return more.to(knots.dtype), fine.to(coefficients.dtype)

    def formula(self, x: Any, knots: Float[Tensor, " knots"], coefficients: Float[Tensor, " bases"]) -> Any:
        """One polynomial a cell; outside of them straight lines, or 0."""
        exact = knots.double()
        edges = exact if self.extrapolate == "zero" else exact[self.order : len(exact) - self.order]
        # A cell without a width is never reached; where all are, they are one point.
        ends = edges[torch.cat([edges.diff() > 0, torch.ones_like(edges[:1], dtype=torch.bool)])]
        ends = ends if len(ends) > 1 else edges[[0, -1]]
        degrees = range(self.order + 1)
        curve = [coefficients.double() @ self.bases(ends[None], exact[None], d)[0] / math.factorial(d) for d in degrees]
        series = torch.stack(curve, 1).tolist()  # Taylor's, at the left end of a cell, and at the right end of the last
        below, above = (series[0][:2], series[-1][:2]) if self.extrapolate == "linear" else ([0.0], [0.0])
        breaks = ends.tolist()
        parts = zip([breaks[0], *breaks], [below, *series[:-1], above], strict=True)
        lines = [polynomial(x - number(start), powers) for start, powers in parts]
        return pieces(x, breaks, lines, closed=self.extrapolate == "linear")
