r"""Fits of $y \approx c\,f(a x + b) + d$, for many edges and many functions f at once, in float64.

Given a and b, the best c and d are closed form (variable projection), so the search has two dimensions, and fewer where
the function has symmetries (`curves`). A grid of (a, b) on some of the samples gives the starts (`starts`); from the
best peaks Levenberg-Marquardt steps go on together for all edges and functions, at last on all samples.

Source: Golub & Pereyra (2003), "Separable nonlinear least squares: the variable projection method and its
applications"; Kaufman (1975) for the Jacobian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from ascribe.errors import InputError
from ascribe.maths.affine.box import Box
from ascribe.maths.affine.climb import climb, settle_steps
from ascribe.maths.affine.curves import Curve, Traits, traits
from ascribe.maths.affine.plain import plain
from ascribe.maths.affine.samples import Samples
from ascribe.maths.affine.search import search
from ascribe.maths.affine.starts import Bounds

_CLIMB, _POLISH = 12, 300  # steps on some of the samples; on all
_TOGETHER = 2**21  # values of functions that are held for the edges that are fitted together


@final
@dataclass(frozen=True)
class AffineFits:
    """The best affine of every function on every edge.

    `affine` holds a, b, c, d; `error` is the squared error as a share of the variance of y, and `r2` is 1 - error.
    Where no (a, b) in range keeps the data inside the function's domain, affine is NaN and error 1.
    """

    affine: Float64[Tensor, "edges functions 4"]
    error: Float64[Tensor, "edges functions"]

    @property
    def r2(self) -> Float64[Tensor, "edges functions"]:
        """The coefficient of determination; `error` keeps the digits that 1 takes away."""
        return 1 - self.error


def fit_affine(
    x: Float[Tensor, "sources n"],
    y: Float[Tensor, "edges n"],
    functions: Sequence[Curve],
    a_range: Bounds = (-10.0, 10.0),
    b_range: Bounds = (-10.0, 10.0),
    source: Int[Tensor, " edges"] | None = None,
) -> AffineFits:
    """The least-squares a, b, c, d of every function on every edge, with a and b in their ranges.

    Edge e leads from x[source[e]], or from x[e] where no source is given, to y[e]. Where a or b is redundant, the fit
    takes the plain value: |a| = 1 for powers, b = 0 for exp, b in the first period for sin, a > 0 for tanh.
    Price: for each source and function some hundred to some thousand evaluations of about a hundred samples, then some
    dozens of all samples for each edge.
    Raises InputError for no samples, edges or functions, an empty range, or values that are not finite.

    >>> from types import SimpleNamespace
    >>> sine = SimpleNamespace(torch=torch.sin, domain=lambda low, high: low > -torch.inf)
    >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)[None]
    >>> found = fit_affine(x, 3 * torch.sin(9 * x + 0.5) - 2, [sine])
    >>> found.affine[0, 0].round(decimals=6).tolist(), bool(found.error < 1e-12)
    ([9.0, 0.5, 3.0, -2.0], True)
    """
    of = torch.arange(len(y), device=y.device) if source is None else source
    _check(x, y, functions, a_range, b_range)
    with torch.inference_mode(False), torch.no_grad():
        x, y = x.detach().double().clone(), y.detach().double().clone()
        seen = [traits(curve) for curve in functions]
        together = max(1, _TOGETHER // (len(functions) * x.shape[1]))
        # Edges of one source together: what a function is on its grid is found once for all of them.
        order = of.argsort(stable=True)
        found = [
            _fit(Samples.scaled(x, y[edges], of[edges]), functions, seen, a_range, b_range)
            for edges in order.split(together)
        ]
        back = order.argsort()
        affine, error = (torch.cat(parts, 1).transpose(0, 1)[back] for parts in zip(*found, strict=True))
        return AffineFits(affine, error)


def _fit(
    data: Samples, functions: Sequence[Curve], seen: Sequence[Traits], a_range: Bounds, b_range: Bounds
) -> tuple[Tensor, Tensor]:
    point = search(data, functions, seen, a_range, b_range)
    free = torch.tensor([[not t.scale_free, not t.shift_free] for t in seen], device=data.x.device).double()
    box = Box.around(data, point, seen, a_range, b_range)
    a, b, error = climb(data.some(point.samples), functions, point.a, point.b, free, box, _CLIMB)
    best = error.argmin(2, keepdim=True)
    a, b = a.gather(2, best), b.gather(2, best)
    settle_steps(data, functions, seen, a, b)
    a, b, _ = climb(data, functions, a, b, free, box.best(best), _POLISH)
    return plain(data, functions, seen, a[..., 0], b[..., 0], a_range, b_range)


def _check(x: Tensor, y: Tensor, functions: Sequence[Curve], a_range: Bounds, b_range: Bounds) -> None:
    if not len(y) or not x.shape[1] or not functions:
        raise InputError(
            f"x of shape {tuple(x.shape)}, y of shape {tuple(y.shape)} and {len(functions)} functions leave nothing to"
            " fit; pass samples, edges and functions, one at least."
        )
    if not (a_range[0] <= a_range[1] and b_range[0] <= b_range[1] and any(a_range)):
        raise InputError(f"a_range={a_range} and b_range={b_range} hold nothing; pass (low, high) with low <= high.")
    if not (bool(x.isfinite().all()) and bool(y.isfinite().all())):
        raise InputError("x or y holds NaN or infinity; leave those samples out.")
