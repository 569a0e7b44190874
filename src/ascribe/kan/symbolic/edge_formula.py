"""The formula of one edge."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ascribe.errors import need
from ascribe.kan.look import get_fun
from ascribe.kan.structure import Network
from ascribe.kan.symbolic.compose import edge
from ascribe.kan.symbolic.formula import Formula
from ascribe.kan.symbolic.sample import largest, sizes


def edge_formula(kan: Network, l: int, i: int, j: int, x: Tensor | None = None) -> Formula:
    """What edge (l, i, j) computes of its input, called x: also a spline, as one polynomial a cell.

    `check` is the largest difference on x, or on the remembered data; None where there are none.
    Raises InputError for an edge that does not exist.

    >>> import torch
    >>> from ascribe.kan.network import KAN
    >>> kan = KAN([1, 1], grid=1, k=1, base_fun="zero", edge="chebyshev", extrapolate="zero")
    >>> kan.layers[0].coef.data[0, 0] = torch.tensor([0.5, 2.0])
    >>> print(edge_formula(kan, 0, 0, 0).text())
    Piecewise((0, x < -1), (2*x + 0.5, x <= 1), (0, x > 1))
    """
    layer = kan.layer_of(l, i, j)
    symbol = need("sympy", extra="pykan").Symbol("x")
    formula = Formula((edge(layer, i, j, symbol),), (symbol,))
    if x is None and not kan.has_data:
        return formula
    inputs, values = get_fun(kan, l, i, j, x)
    return replace(formula, check=float(largest(sizes(formula(inputs.double()[:, None]) - values[:, None]))))
