"""The law suite of edge functions: `check_edge(e)` proves what an edge promises on random knots and coefficients."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from ascribe.errors import need
from ascribe.kan.edges.edge import Edge
from ascribe.kan.symbolic.evaluate import evaluate

_INPUTS, _OUTPUTS, _SAMPLES, _CELLS = 3, 2, 200, 5
# Derivatives of edges that have them all: enough to see a rule at work.
_HIGHEST = 4


def check_edge(edge: Edge, seed: int = 0) -> None:
    """Prove the laws that an edge declares, and those of every edge, in float64.

    Every edge: cells + order bases, dtype kept, an empty batch stays empty, NaN stays NaN, a grid of one point gives
    finite numbers, the derivative is the slope, a fit finds the edge's own curves again, more cells leave the range,
    the same numbers again, the formula is the curve to 1e-12 of its largest value and its derivative the curve's, the
    global random stream untouched. "unity", "refines", "pieces", "straight" and "fades" where it declares them.

    Raises AssertionError that names the law.  Needs sympy.

    >>> from ascribe.kan.edges import BSpline, edge_named
    >>> check_edge(BSpline(3)); check_edge(edge_named("fourier"))
    """
    generator = torch.Generator().manual_seed(seed)
    before = torch.get_rng_state()
    knots = _knots(edge, generator)
    x = torch.rand(_INPUTS, _SAMPLES, generator=generator, dtype=torch.float64) * 4 - 2
    coefficients = torch.randn(_INPUTS, _OUTPUTS, _CELLS + edge.order, generator=generator, dtype=torch.float64)
    _check_shapes(edge, x, knots)
    _check_derivatives(edge, x, knots)
    _check_fit(edge, knots, coefficients)
    _check_more_cells(edge, x, knots, coefficients)
    _check_formula(edge, x, knots, coefficients)
    if "unity" in edge.laws:
        inside = _inside(edge, knots)
        _require(torch.allclose(edge.bases(inside, knots).sum(1), torch.ones_like(inside)), "unity: bases sum to 1")
    if "straight" in edge.laws:
        _check_straight(edge, knots)
    if "fades" in edge.laws:
        far = knots[:, -1:] + 10 * (knots[:, -1:] - knots[:, :1])
        _require(bool((edge.bases(far, knots) == 0).all()), "fades: 0 far outside the grid")
    _require(torch.equal(torch.get_rng_state(), before), "state: the global random stream is untouched")


def _require(holds: bool, law: str) -> None:
    if not holds:
        raise AssertionError(law)


def _knots(edge: Edge, generator: torch.Generator) -> Tensor:
    """Cells of unequal width, another set for every input."""
    even = edge.knots(-torch.ones(_INPUTS, dtype=torch.float64), torch.ones(_INPUTS, dtype=torch.float64), _CELLS)
    return even + 0.3 / _CELLS * (torch.rand(even.shape, generator=generator, dtype=torch.float64) - 0.5)


def _ends(edge: Edge, knots: Tensor) -> tuple[Tensor, Tensor]:
    last = knots.shape[1] - edge.order - 1
    return knots[:, edge.order, None], knots[:, last, None]


def _inside(edge: Edge, knots: Tensor) -> Tensor:
    """Samples of the grid proper, ends included for edges that own them."""
    low, high = _ends(edge, knots)
    share = torch.linspace(0, 1 if "straight" in edge.laws else 1 - 1e-9, _SAMPLES, dtype=torch.float64)
    return low + share * (high - low)


def _check_shapes(edge: Edge, x: Tensor, knots: Tensor) -> None:
    bases = edge.bases(x, knots)
    _require(bases.shape[1] == _CELLS + edge.order, "bases: as many as cells and order together")
    _require(bases.dtype == x.dtype, "dtype: float64 in, float64 out")
    _require(edge.bases(x.float(), knots.float()).dtype == torch.float32, "dtype: float32 in, float32 out")
    _require(torch.equal(edge.bases(x, knots), bases), "determinism: the same numbers again")
    _require(edge.bases(x[:, :0], knots).shape == (*bases.shape[:2], 0), "empty: no samples, no values")
    one_point = edge.bases(x, knots[:, :1].expand_as(knots).contiguous())
    _require(bool(one_point.isfinite().all()), "degenerate: a grid of one point gives finite numbers")
    if edge.order > 0:
        broken = edge.bases(torch.full_like(x[:, :1], torch.nan), knots)
        _require(bool(broken.isnan().any(1).all()), "nan: what is not a number stays so")


def _check_derivatives(edge: Edge, x: Tensor, knots: Tensor) -> None:
    """Against central differences, away from the knots, where the last derivatives jump."""
    step = 1e-5
    away = ((x[:, None] - knots[..., None]).abs() > 10 * step).all(1)
    for d in range(1, 1 + (edge.order if "pieces" in edge.laws else _HIGHEST)):
        slope = (edge.bases(x + step, knots, d - 1) - edge.bases(x - step, knots, d - 1)) / (2 * step)
        error = (slope - edge.bases(x, knots, d)).abs().amax(1)[away].max()
        scale = edge.bases(x, knots, d).abs().max().clamp(min=1)
        _require(bool(error < 1e-5 * scale), f"derivative: the {d}. is the slope of the one before")
    if "pieces" in edge.laws:
        _require(bool((edge.bases(x, knots, edge.order + 1) == 0).all()), "pieces: no derivative above the order")


def _check_fit(edge: Edge, knots: Tensor, coefficients: Tensor) -> None:
    x = _inside(edge, knots)
    curves = coefficients @ edge.bases(x, knots)
    again = edge.fit(x, curves, knots) @ edge.bases(x, knots)
    _require(torch.allclose(again, curves, atol=1e-5 * float(curves.abs().max())), "fit: finds its own curves again")


def _check_more_cells(edge: Edge, x: Tensor, knots: Tensor, coefficients: Tensor) -> None:
    values = coefficients @ edge.bases(x, knots)
    for cells in (_CELLS, _CELLS + 1, 3 * _CELLS + 2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an edge may say that its curves have changed
            more, fine = edge.refine(knots, coefficients, cells)
        same = all(torch.equal(a, b) for a, b in zip(_ends(edge, more), _ends(edge, knots), strict=True))
        _require(same, "range: more cells leave the ends of the grid where they are")
        _require(fine.shape[-1] == cells + edge.order, "bases: as many as cells and order together")
        if "refines" in edge.laws or cells == _CELLS:
            _require(
                torch.allclose(fine @ edge.bases(x, more), values, atol=1e-10), "refines: more knots, same function"
            )


def _check_formula(edge: Edge, x: Tensor, knots: Tensor, coefficients: Tensor) -> None:
    """Of one curve; its derivative away from the knots, where it may jump."""
    sympy = need("sympy", extra="pykan")
    symbol, weights = sympy.Symbol("x"), coefficients[0, 0]
    formula = edge.formula(symbol, knots[0], weights)
    away = ((x[0, :, None] - knots[0]).abs() > 1e-6).all(1)
    slope = evaluate(sympy.diff(formula, symbol), {"x": x[0, away]})
    _require(_near(slope, weights @ edge.bases(x, knots, 1)[0, :, away]), "formula: its derivative is the curve's")
    _require(bool(evaluate(formula, {"x": x[0, :1] * torch.nan}).isnan().all()), "formula: NaN stays NaN")
    for grid in (knots, knots[:, :1].expand_as(knots).contiguous()):
        at = torch.cat([x[0], grid[0]])
        found = evaluate(edge.formula(symbol, grid[0], weights), {"x": at})
        values = weights @ edge.bases(at.expand(_INPUTS, -1), grid)[0]
        _require(_near(found, values), "formula: it is the curve inside the grid, on its knots and outside")


def _near(found: Tensor, wanted: Tensor) -> bool:
    return bool(((found - wanted).abs() <= 1e-12 * wanted.abs().max()).all())


def _check_straight(edge: Edge, knots: Tensor) -> None:
    for end, away in zip(_ends(edge, knots), (-1.0, 1.0), strict=True):
        at = torch.cat([end, end + away, end + 2 * away], 1)
        first, second, third = edge.bases(at, knots).unbind(2)
        _require(torch.allclose(third - second, second - first), "straight: a line outside the grid")
        _require(bool((edge.bases(at[:, 1:], knots, 2) == 0).all()), "straight: no curvature outside the grid")
