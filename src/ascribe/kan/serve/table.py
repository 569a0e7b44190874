"""The edges of a layer as what they are from one break to the next: polynomials, one table of them for all cells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ascribe.kan.layer import KANLayer
from ascribe.kan.serve.cells import family_cells, spline_cells


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
    live = (layer.weight().detach() != 0).any(-1)
    if layer.symbolic:
        live[layer.symbolic.source, layer.symbolic.subnode] = True
    return live


def edge_table(
    layer: KANLayer,
    inputs: Bool[Tensor, " inputs"],
    outputs: Bool[Tensor, " outputs"],
    scale: Float[Tensor, " kept_outputs"],
) -> EdgeTable:
    """The edges between the inputs and outputs to keep, times a scale an output, without what is symbolic; in float64.

    Exact for B-splines; other families to the tolerance of `family_cells`.  Raises InputError where that is not met.
    """
    weight = layer.weight().detach()[inputs][:, outputs].double() * scale[:, None]
    base, coefficients = weight[..., 0], weight[..., 1:]
    basis = replace(layer.basis, knots=layer.grid[inputs])
    cells, polynomials = spline_cells(basis) if layer.family == "bspline" else family_cells(basis, coefficients)
    powers: list[Tensor] = []
    for p, bases in enumerate(polynomials):
        power = torch.einsum("ibc,ijb->icj", bases, coefficients)
        if layer.beyond == "zero":
            power[:, [0, -1]] = 0
        if layer.base_fun == "identity" and p < 2:
            power += (cells.starts if p == 0 else cells.widths)[..., None] * base[:, None]
        powers.append(power if p < 2 else power[:, 1:-1])
    silu = layer.base_fun == "silu" and bool((base != 0).any())
    if silu:
        powers.append(base[:, None])
    return EdgeTable(cells.breaks, cells.starts, cells.inverses, torch.cat(powers, 1), len(polynomials) - 1, silu)
