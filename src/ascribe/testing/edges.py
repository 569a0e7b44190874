"""The law suite of edge functions: `check_edge(e)` proves what an edge promises on random knots and coefficients."""

from __future__ import annotations

import torch
from torch import Tensor

from ascribe.kan.edges.bspline import BSpline

_INPUTS, _OUTPUTS, _SAMPLES, _CELLS = 3, 2, 200, 5


def check_edge(edge: BSpline, seed: int = 0) -> None:
    """Prove the laws that an edge declares, and those of every edge, in float64.

    Every edge: shape and dtype kept, an empty batch stays empty, NaN stays NaN, the derivative is the slope, a fit
    finds the edge's own curves again, the same numbers again, the global random stream untouched. "unity", "refines",
    "straight" and "fades" where it declares them.

    Raises AssertionError that names the law.

    >>> check_edge(BSpline(3))
    """
    generator = torch.Generator().manual_seed(seed)
    before = torch.get_rng_state()
    knots = _knots(edge, generator)
    x = torch.rand(_INPUTS, _SAMPLES, generator=generator, dtype=torch.float64) * 4 - 2
    coefficients = torch.randn(
        _INPUTS, _OUTPUTS, edge.bases(x, knots).shape[1], generator=generator, dtype=torch.float64
    )
    _check_shapes(edge, x, knots)
    _check_derivatives(edge, x, knots)
    _check_fit(edge, knots, coefficients)
    if "unity" in edge.laws:
        inside = _inside(edge, knots)
        _require(torch.allclose(edge.bases(inside, knots).sum(1), torch.ones_like(inside)), "unity: bases sum to 1")
    if "refines" in edge.laws:
        _check_refines(edge, x, knots, coefficients)
    if "straight" in edge.laws:
        _check_straight(edge, knots)
    if "fades" in edge.laws:
        far = knots[:, -1:] + 10 * (knots[:, -1:] - knots[:, :1])
        _require(bool((edge.bases(far, knots) == 0).all()), "fades: 0 far outside the grid")
    _require(torch.equal(torch.get_rng_state(), before), "state: the global random stream is untouched")


def _require(holds: bool, law: str) -> None:
    if not holds:
        raise AssertionError(law)


def _knots(edge: BSpline, generator: torch.Generator) -> Tensor:
    """Cells of unequal width, another set for every input."""
    even = edge.knots(-torch.ones(_INPUTS, dtype=torch.float64), torch.ones(_INPUTS, dtype=torch.float64), _CELLS)
    return even + 0.3 / _CELLS * (torch.rand(even.shape, generator=generator, dtype=torch.float64) - 0.5)


def _inside(edge: BSpline, knots: Tensor) -> Tensor:
    """Samples of the grid proper, ends included for edges that own them."""
    low, high = knots[:, edge.order, None], knots[:, knots.shape[1] - edge.order - 1, None]
    share = torch.linspace(0, 1 if "straight" in edge.laws else 1 - 1e-9, _SAMPLES, dtype=torch.float64)
    return low + share * (high - low)


def _check_shapes(edge: BSpline, x: Tensor, knots: Tensor) -> None:
    bases = edge.bases(x, knots)
    _require(bases.dtype == x.dtype, "dtype: float64 in, float64 out")
    _require(edge.bases(x.float(), knots.float()).dtype == torch.float32, "dtype: float32 in, float32 out")
    _require(torch.equal(edge.bases(x, knots), bases), "determinism: the same numbers again")
    _require(edge.bases(x[:, :0], knots).shape == (*bases.shape[:2], 0), "empty: no samples, no values")
    if edge.order > 0:
        broken = edge.bases(torch.full_like(x[:, :1], torch.nan), knots)
        _require(bool(broken.isnan().any(1).all()), "nan: what is not a number stays so")


def _check_derivatives(edge: BSpline, x: Tensor, knots: Tensor) -> None:
    """Against central differences, away from the knots, where the last derivatives jump."""
    step = 1e-5
    away = ((x[:, None] - knots[..., None]).abs() > 10 * step).all(1)
    for d in range(1, edge.order + 1):
        slope = (edge.bases(x + step, knots, d - 1) - edge.bases(x - step, knots, d - 1)) / (2 * step)
        error = (slope - edge.bases(x, knots, d)).abs().amax(1)[away].max()
        scale = edge.bases(x, knots, d).abs().max().clamp(min=1)
        _require(bool(error < 1e-5 * scale), f"derivative: the {d}. is the slope of the one before")
    _require(bool((edge.bases(x, knots, edge.order + 1) == 0).all()), "derivative: 0 beyond the order")


def _check_fit(edge: BSpline, knots: Tensor, coefficients: Tensor) -> None:
    x = _inside(edge, knots)
    curves = coefficients @ edge.bases(x, knots)
    again = edge.fit(x, curves, knots) @ edge.bases(x, knots)
    _require(torch.allclose(again, curves, atol=1e-5 * float(curves.abs().max())), "fit: finds its own curves again")


def _check_refines(edge: BSpline, x: Tensor, knots: Tensor, coefficients: Tensor) -> None:
    values = coefficients @ edge.bases(x, knots)
    for cells in (_CELLS, _CELLS + 1, 3 * _CELLS + 2):
        more, fine = edge.refine(knots, coefficients, cells)
        _require(torch.allclose(fine @ edge.bases(x, more), values, atol=1e-10), "refines: more knots, same function")


def _check_straight(edge: BSpline, knots: Tensor) -> None:
    low, high = knots[:, edge.order, None], knots[:, knots.shape[1] - edge.order - 1, None]
    for end, away in ((low, -1.0), (high, 1.0)):
        at = torch.cat([end, end + away, end + 2 * away], 1)
        first, second, third = edge.bases(at, knots).unbind(2)
        _require(torch.allclose(third - second, second - first), "straight: a line outside the grid")
