"""Edges that are sums over the functions of a family: Chebyshev, Fourier, Gaussian, wavelet, rational."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.closed_form import number, pieces, polynomial
from ascribe.maths.families.family import Family
from ascribe.maths.kernels.basis import Basis, Extrapolate
from ascribe.maths.kernels.expansion import expansion, family_named
from ascribe.maths.splines import fit_coefficients, refine_knots, uniform_knots

# What a curve may change by when it is refined, in shares of its spread over the range, before it is said.
_NOTED = 1e-2
# Of the fit: functions of a family may nearly depend on each other, so it is as small as float64 lets it be.
_RIDGE = 1e-12


@final
@dataclass(frozen=True)
class Expansion:
    r"""$\sum_m c_m f_m(x)$ with the functions of `family`, stretched over the range of the grid: its ends alone count.

    Laws: more cells keep the function where the family is nested ("refines"; otherwise the nearest curves are taken),
    the bases sum to 1 where the family's do ("unity"), and outside the range the function goes on as a straight line
    ("straight") or is 0 ("fades"; it jumps at the ends).

    Raises InputError for a family that is not known.
    """

    family: str
    order: int = 3
    extrapolate: Extrapolate = "linear"

    def __post_init__(self) -> None:
        family_named(self.family)

    @property
    def _family(self) -> Family:
        return family_named(self.family)

    @property
    def laws(self) -> frozenset[str]:
        declared = {"refines": self._family.nested, "unity": self._family.unity}
        beyond = "straight" if self.extrapolate == "linear" else "fades"
        return frozenset({law for law, holds in declared.items() if holds} | {beyond})

    def knots(
        self, low: Float[Tensor, " inputs"], high: Float[Tensor, " inputs"], cells: int
    ) -> Float[Tensor, "inputs knots"]:
        """Laid out as those of a B-spline, since the number of functions is that of its bases."""
        return uniform_knots(low, high, cells, self.order)

    def bases(
        self, x: Float[Tensor, "inputs n"], knots: Float[Tensor, "inputs knots"], derivative: int = 0
    ) -> Float[Tensor, "inputs bases n"]:
        """Every function at x, or a derivative of it."""
        basis = Basis(knots, self.order, "zero", self.extrapolate, self.family)
        return expansion(x, basis, derivative)[derivative]

    def fit(
        self, x: Float[Tensor, "inputs n"], y: Float[Tensor, "inputs outputs n"], knots: Float[Tensor, "inputs knots"]
    ) -> Float[Tensor, "inputs outputs bases"]:
        """The coefficients of the curves nearest to the points."""
        return fit_coefficients(self.bases(x, knots), y, _RIDGE)

    def refine(
        self, knots: Float[Tensor, "inputs knots"], coefficients: Float[Tensor, "inputs outputs bases"], cells: int
    ) -> tuple[Float[Tensor, "inputs more_knots"], Float[Tensor, "inputs outputs more_bases"]]:
        """The same curves on more cells, to the bit, where the family is nested; otherwise the nearest over the range.

        The nearest are found by least squares on Chebyshev points; a warning says by how much they differ, where it is
        more than a hundredth of the curve's spread.
        """
        more = torch.cat([knots, refine_knots(knots, self.order, cells)], 1).sort(1).values
        added = more.shape[1] - knots.shape[1]
        if self._family.nested or not added:
            return more, torch.nn.functional.pad(coefficients, (0, added))
        exact, finer = knots.double(), more.double()
        low, high = exact[:, self.order, None], exact[:, -1 - self.order, None]
        angles = torch.arange(8 * (cells + self.order), dtype=exact.dtype, device=exact.device) + 0.5
        points = (low + high) / 2 - (high - low) / 2 * torch.cos(angles * (math.pi / len(angles)))
        curves = coefficients.double() @ self.bases(points, exact)
        bases = self.bases(points, finer)
        fine = fit_coefficients(bases, curves, _RIDGE)
        self._say_changed(curves, fine @ bases, cells)
        return more, fine.to(coefficients.dtype)

    def formula(self, x: Any, knots: Float[Tensor, " knots"], coefficients: Float[Tensor, " bases"]) -> Any:
        """The family's closed form between the ends of the grid; straight lines, or 0, outside."""
        exact, weights = knots.double(), coefficients.double()
        ends = exact[[self.order, -1 - self.order]]
        low, high = ends.tolist()
        wide = high - low > torch.finfo(knots.dtype).tiny
        t = number(2 / (high - low)) * (x - number(low)) - 1 if wide else number(-1)
        inside = self._family.formula(t, weights.tolist(), self.order)
        below = above = number(0)
        if self.extrapolate == "linear":
            lines = torch.stack([weights @ self.bases(ends[None], exact[None], d)[0] for d in range(2)], 1).tolist()
            below, above = (polynomial(x - number(end), line) for end, line in zip([low, high], lines, strict=True))
        return pieces(x, [low, high], [below, inside, above])

    def _say_changed(self, old: Tensor, new: Tensor, cells: int) -> None:
        spread = old.std(-1).clamp(min=torch.finfo(old.dtype).tiny)
        change = float(((new - old).square().mean(-1).sqrt() / spread).max())
        if change > _NOTED:
            warnings.warn(
                f"{self.family} edges on {cells} cells are only near those before: they change by up to {change:.1%}"
                " of their spread; fit again, or build the network with a family that refines exactly: B-splines,"
                " Chebyshev, Fourier, wavelets.",
                stacklevel=6,
            )
