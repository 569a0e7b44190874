"""The range of an input cut into cells, and the functions of a basis as one polynomial a cell."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.expansion import expansion
from ascribe.maths.kernels.recursion import splines, table

# The degree that a cell's polynomial has where a function is none itself, and how far an edge may be off, in shares of
# the largest value of the layer's edges: both are a matter of what is kept, float32 or float64.
_SINGLE, _DOUBLE = (5, 1e-8), (9, 1e-12)
_MOST_CELLS = 1024
# The sum of the sizes of a polynomial's powers over its largest value: what rounding of them is magnified by.
_MOST_POWERS = 4.0


@dataclass(frozen=True)
class Cells:
    """x lies in cell c when it has passed c of the breaks; u is how far it is from there, in widths.

    The first and the last cell are what lies outside, with a width of one.
    """

    breaks: Float[Tensor, "inputs breaks"]
    starts: Float[Tensor, "inputs cells"]
    widths: Float[Tensor, "inputs cells"]
    inverses: Float[Tensor, "inputs cells"]

    @classmethod
    def between(cls, edges: Float[Tensor, "inputs breaks"], tiny: float) -> Cells:
        """Those between neighbours of a sorted list of numbers."""
        starts = torch.cat([edges[:, :1], edges], 1)
        one = torch.ones_like(starts[:, :1])
        widths = torch.cat([one, edges.diff(dim=1), one], 1)
        # A cell too narrow for the dtype's reciprocals is one point: its value alone counts.
        wide = widths > tiny
        return cls(edges, starts, widths, torch.where(wide, 1 / torch.where(wide, widths, 1.0), 0.0))


Powers = list[Float[Tensor, "inputs bases cells"]]  # of u, from the 0-th


def spline_cells(basis: Basis) -> tuple[Cells, Powers]:
    """B-splines, exactly: the Taylor series at the left end of a cell ends at their order."""
    knots, order = basis.knots.double(), basis.order
    edges = knots if basis.extrapolate == "zero" else knots[:, order : basis.bases + 1]
    cells = Cells.between(edges, torch.finfo(basis.knots.dtype).tiny)
    t = table(knots, order, basis.extrapolate)
    powers = [
        splines(cells.starts, t, p) * (cells.widths**p / math.factorial(p))[:, None] for p in range(max(1, order) + 1)
    ]
    return cells, powers


def family_cells(basis: Basis, coefficients: Float[Tensor, "inputs outputs bases"]) -> tuple[Cells, Powers]:
    """The functions of another family by interpolation, on as many equal cells as the edges need.

    Beside rounding, an edge is off by at most 1e-8 of the largest value of the layer's edges in float32, 1e-12 in
    float64, measured between the nodes of the interpolation.  Raises InputError where 1,024 cells do not do.
    """
    degree, tolerance = _DOUBLE if basis.knots.dtype is torch.float64 else _SINGLE
    exact = replace(basis, knots=basis.knots.double(), extrapolate="linear")
    nodes = (1 - torch.cos(math.pi * (torch.arange(degree + 1, dtype=torch.float64) + 0.5) / (degree + 1))) / 2
    between = (1 - torch.cos(math.pi * torch.arange(degree + 2, dtype=torch.float64) / (degree + 1))) / 2
    nodes, between = nodes.to(basis.knots.device), between.to(basis.knots.device)
    count = 1
    while count <= _MOST_CELLS:
        cells = _even(basis, count)
        values = _at(exact, cells, nodes)
        inner = torch.linalg.solve(torch.linalg.vander(nodes), values.flatten(0, 2).mT).mT.view_as(values)
        wanted, found = _at(exact, cells, between), inner @ torch.linalg.vander(between, N=degree + 1).mT
        if _holds(wanted, found, inner, coefficients, tolerance):
            return cells, _with_lines(exact, inner)
        count *= 2
    raise InputError(
        f"{basis.family} edges with {basis.bases} functions each need more than {_MOST_CELLS} cells of a table;"
        " serve the network itself: torch.export.export(kan, (x,))."
    )


def _even(basis: Basis, count: int) -> Cells:
    """Equal cells, on numbers that the dtype of the basis can hold."""
    low, high = (end[:, None] for end in basis.range)
    share = torch.linspace(0, 1, count + 1, dtype=low.dtype, device=low.device)
    edges = torch.cat([low, torch.lerp(low, high, share[1:-1]), high], 1)
    cells = Cells.between(edges.double(), torch.finfo(low.dtype).tiny)
    if basis.extrapolate == "linear":
        return cells
    # The right end of the range is inside where all is 0 beyond it.
    past = torch.nextafter(high, torch.full_like(high, math.inf))
    return replace(cells, breaks=torch.cat([edges[:, :-1], past], 1).double())


def _at(basis: Basis, cells: Cells, u: Float[Tensor, " points"]) -> Float[Tensor, "inputs bases inner points"]:
    """The functions at the same places of every inner cell."""
    points = cells.starts[:, 1:-1, None] + cells.widths[:, 1:-1, None] * u
    return expansion(points.flatten(1), basis)[0].unflatten(2, points.shape[1:])


def _holds(wanted: Tensor, found: Tensor, inner: Tensor, coefficients: Tensor, tolerance: float) -> bool:
    """Whether all edges are near enough, and no polynomial is a small difference of large powers.

    Terms of an edge that cancel each other bring rounding of their own, which is no fault of the table.
    """
    largest = error = rounding = powers = 0.0
    for exact, difference, polynomial, mine in zip(wanted, found - wanted, inner, coefficients, strict=True):
        largest = max(largest, float((mine @ exact.flatten(1)).abs().amax()))
        error = max(error, float((mine @ difference.flatten(1)).abs().amax()))
        rounding = max(rounding, float((mine.abs() @ exact.abs().flatten(1)).amax()))
        powers = max(
            powers, float((mine @ polynomial.flatten(1)).unflatten(1, polynomial.shape[1:]).abs().sum(-1).amax())
        )
    near = error <= tolerance * largest + 32 * torch.finfo(torch.float64).eps * rounding
    return near and powers <= _MOST_POWERS * largest


def _with_lines(basis: Basis, inner: Float[Tensor, "inputs bases inner powers"]) -> Powers:
    """The polynomials of the inner cells between the straight lines outside."""
    low, high = (end[:, None] for end in basis.range)
    ends = expansion(torch.cat([low, high], 1), basis, 1)
    powers: Powers = []
    for p, power in enumerate(inner.unbind(-1)):
        first, last = (ends[p] if p < 2 else torch.zeros_like(ends[0])).split(1, 2)
        powers.append(torch.cat([first, power, last], 2))
    return powers
