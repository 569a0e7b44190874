"""Rules that integrate over $[0, 1]$: nodes and weights of fixed rules, and the pair behind the adaptive one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
Nodes = Float[Tensor, " nodes"]
Side = Literal["left", "right", "middle", "trapezoid"]

# Nodes on [0, 1) of [-1, 1], Kronrod's weights, and Gauss' weights where a node is his; Piessens et al. (1983).
_KRONROD = (
    (0.991455371120812639206854697526329, 0.022935322010529224963732008058970, 0.0),
    (0.949107912342758524526189684047851, 0.063092092629978553290700663189204, 0.129484966168869693270611432679082),
    (0.864864423359769072789712788640926, 0.104790010322250183839876322541518, 0.0),
    (0.741531185599394439863864773280788, 0.140653259715525918745189590510238, 0.279705391489276667901467771423780),
    (0.586087235467691130294144691693253, 0.169004726639267902826583426598550, 0.0),
    (0.405845151377397166906606412076961, 0.190350578064785409913256402421014, 0.381830050505118944950369775488975),
    (0.207784955007898467600689403773245, 0.204432940075298892414161999234649, 0.0),
    (0.0, 0.209482141084727828012999174891714, 0.417959183673469387755102040816327),
)


def gauss(order: int) -> tuple[Nodes, Nodes]:
    r"""Gauss-Legendre nodes and weights: exact for polynomials of degree $2\,order - 1$; float64.

    Raises ValueError for order < 1.  Source: Golub & Welsch (1969).

    >>> t, w = gauss(3); round(float((w * t**5).sum()), 12)
    0.166666666667
    """
    t, w = _legendre(order)
    return torch.from_numpy((t + 1) / 2), torch.from_numpy(w / 2)


@lru_cache(maxsize=64)
def _legendre(order: int) -> tuple[Numbers, Numbers]:
    """On [-1, 1]; kept, for an order is asked for again and again."""
    return np.polynomial.legendre.leggauss(order)


def gauss_log(order: int) -> tuple[Nodes, Nodes]:
    r"""Gauss nodes and weights for $\int_0^1 -\ln(t)\,g(t)\,dt$: exact for polynomials of degree $2\,order - 1$.

    Raises ValueError for order < 1.  Source: Gautschi (1979), "On the preceding paper 'A Legendre polynomial integral'
    by James L. Blue": the weight's moments by shifted Legendre polynomials, from which the modified Chebyshev algorithm
    makes the recurrence of its own orthogonal polynomials.

    >>> t, w = gauss_log(3); round(float((w * t**5).sum() * 36), 12)
    1.0
    """
    t, w = _logarithmic(order)
    return torch.from_numpy(t.copy()), torch.from_numpy(w.copy())


@lru_cache(maxsize=64)
def _logarithmic(order: int) -> tuple[Numbers, Numbers]:
    if order < 1:
        raise ValueError(f"{order} nodes; a rule has at least one")
    k = np.arange(1, 2 * order)
    # Monic shifted Legendre polynomials: p_{k+1} = (t - 1/2) p_k - b_k p_{k-1}, and their moments for -ln t.
    b = k**2 / (4.0 * (4.0 * k**2 - 1))
    monic = np.cumprod(k / (2.0 * (2 * k - 1)))
    before, now = np.zeros(2 * order), np.concatenate([[1.0], (-1.0) ** k * monic / (k * (k + 1))])
    centre, square = np.zeros(order), np.zeros(order)
    centre[0], square[0] = 0.5 + now[1] / now[0], now[0]
    for n in range(1, order):
        m = np.arange(n, 2 * order - n)
        after = np.zeros(2 * order)
        after[m] = now[m + 1] - (centre[n - 1] - 0.5) * now[m] - square[n - 1] * before[m] + b[m - 1] * now[m - 1]
        centre[n] = 0.5 + after[n + 1] / after[n] - now[n] / now[n - 1]
        square[n] = after[n] / now[n - 1]
        before, now = now, after
    off = np.sqrt(square[1:])
    t, vectors = np.linalg.eigh(np.diag(centre) + np.diag(off, 1) + np.diag(off, -1))
    return t, vectors[0] ** 2


def kronrod() -> tuple[Nodes, Nodes, Nodes]:
    """15 nodes with Kronrod's weights (exact to degree 22) and Gauss' 7-point weights on the same nodes; float64.

    The middle node is the eighth. The difference of the two integrals says how well 15 nodes see the integrand.
    Source: Kronrod (1965).

    >>> t, w, g = kronrod(); round(float((w * t**22).sum() * 23), 12), round(float((g * t**13).sum() * 14), 12)
    (1.0, 1.0)
    """
    half = torch.tensor(_KRONROD, dtype=torch.float64)
    t = torch.cat([-half[:, 0], half[:-1, 0].flip(0)])
    w, g = (torch.cat([column, column[:-1].flip(0)]) / 2 for column in half[:, 1:].unbind(1))
    return (t + 1) / 2, w, g


@final
@dataclass(frozen=True)
class GaussLegendre:
    """A fixed number of Gauss-Legendre nodes."""

    steps: int = 50

    def nodes(self) -> tuple[Nodes, Nodes]:
        """Nodes and weights on [0, 1], float64."""
        return gauss(self.steps)


@final
@dataclass(frozen=True)
class Riemann:
    """Equal steps with the value at their left, right or middle, or the mean of both ends.

    The trapezoid puts `steps` nodes from 0 to 1, both included.

    >>> Riemann(2, "middle").nodes()[0].tolist(), Riemann(3, "trapezoid").nodes()[1].tolist()
    ([0.25, 0.75], [0.25, 0.5, 0.25])
    """

    steps: int = 50
    side: Side = "middle"

    def nodes(self) -> tuple[Nodes, Nodes]:
        """Nodes and weights on [0, 1], float64."""
        if self.side == "trapezoid":
            w = torch.full((self.steps,), 1 / max(self.steps - 1, 1), dtype=torch.float64)
            if self.steps > 1:
                w[[0, -1]] /= 2
            return torch.linspace(0, 1, self.steps, dtype=torch.float64), w
        shift = {"left": 0.0, "middle": 0.5, "right": 1.0}[self.side]
        t = (torch.arange(self.steps, dtype=torch.float64) + shift) / self.steps
        return t, torch.full_like(t, 1 / self.steps)


@final
@dataclass(frozen=True)
class Adaptive:
    """Panels of 15 Kronrod nodes, bisected where the integrand needs it (see `ascribe.maths.panels`).

    `tolerance` is the error of a row's worst entry in parts of its largest one; `limit` the evaluations a row.
    """

    tolerance: float = 1e-2
    limit: int = 1000


Quadrature = Adaptive | GaussLegendre | Riemann
