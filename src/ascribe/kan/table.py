"""The edges of a layer as what they are between two knots: polynomials, one table of them for all cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ascribe.kan.layer import KANLayer
from ascribe.maths.kernels.recursion import splines, table


@dataclass(frozen=True)
class EdgeTable:
    r"""$\varphi_{ij}(x) = \sum_p c_{icpj}\, u^p + w_{ij}\,\mathrm{silu}(x)$ with $u = (x - start_{ic})\, inverse_{ic}$.

    x lies in cell c when it has passed c of the breaks. The first and the last cell are all that lies outside the
    knots: a straight line there, so powers from the second on have no numbers for them.
    """

    breaks: Float[Tensor, "inputs breaks"]
    starts: Float[Tensor, "inputs cells"]
    inverses: Float[Tensor, "inputs cells"]
    weight: Float[Tensor, "inputs terms outputs"]  # power 0 of all cells, power 1, power 2 of the inner ones, ..., silu
    degree: int
    silu: bool

    def to(self, dtype: torch.dtype) -> EdgeTable:
        parts = (self.breaks, self.starts, self.inverses, self.weight)
        return EdgeTable(*(t.to(dtype) for t in parts), degree=self.degree, silu=self.silu)


def live_edges(layer: KANLayer) -> Bool[Tensor, "inputs outputs"]:
    """The edges that are not 0 everywhere."""
    return (layer.weight().detach() != 0).any(-1)


def edge_table(
    layer: KANLayer,
    inputs: Bool[Tensor, " inputs"],
    outputs: Bool[Tensor, " outputs"],
    scale: Float[Tensor, " kept_outputs"],
) -> EdgeTable:
    """The edges between the inputs and outputs to keep, times a scale an output; in float64.

    The polynomial of a cell is the Taylor series at its left end, which ends at the order of the spline.
    """
    knots, order, cells = layer.grid[inputs].double(), layer.k, layer.num
    spline = layer.weight().detach()[inputs][:, outputs].double() * scale[:, None]
    base, coefficients = spline[..., 0], spline[..., 1:]
    fades = layer.beyond == "zero"
    breaks = knots if fades else knots[:, order : order + cells + 1]
    starts = torch.cat([breaks[:, :1], breaks], 1)
    one = torch.ones_like(starts[:, :1])
    widths = torch.cat([one, breaks.diff(dim=1), one], 1)
    # A cell too narrow for the dtype's reciprocals is one point: its value alone counts.
    wide = widths > torch.finfo(layer.grid.dtype).tiny
    inverses = torch.where(wide, 1 / torch.where(wide, widths, 1.0), 0.0)
    bases = table(knots, order, layer.beyond)
    degree = max(1, order)
    powers: list[Tensor] = []
    for p in range(degree + 1):
        taylor = splines(starts, bases, p) * (widths**p / math.factorial(p))[:, None]
        power = torch.einsum("ibc,ijb->icj", taylor, coefficients)
        if fades:
            power[:, [0, -1]] = 0
        if layer.base_fun == "identity" and p < 2:
            power += (starts if p == 0 else widths)[..., None] * base[:, None]
        powers.append(power if p < 2 else power[:, 1:-1])
    silu = layer.base_fun == "silu" and bool((base != 0).any())
    if silu:
        powers.append(base[:, None])
    return EdgeTable(breaks, starts, inverses, torch.cat(powers, 1), degree, silu)
