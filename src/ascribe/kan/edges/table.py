"""Which edge function a name stands for."""

from __future__ import annotations

from ascribe.kan.edges.bspline import BSpline
from ascribe.kan.edges.edge import Edge
from ascribe.kan.edges.expansion import Expansion
from ascribe.maths.kernels.basis import Extrapolate


def edge_named(name: str, order: int = 3, extrapolate: Extrapolate = "linear") -> Edge:
    """The edge function of that family.  Raises InputError for another name.

    >>> edge_named("chebyshev", 2)
    Expansion(family='chebyshev', order=2, extrapolate='linear')
    """
    if name == "bspline":
        return BSpline(order, extrapolate)
    return Expansion(name, order, extrapolate)
