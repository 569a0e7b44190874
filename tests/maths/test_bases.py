"""Families of edge functions: the definitions, their derivatives, and what an operation of torch must be."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.maths.families import FAMILIES
from ascribe.maths.kernels import Basis, Weights, design, edge_sum, form_for
from ascribe.maths.kernels.expansion import expansion
from ascribe.maths.splines import extend_knots
from reference import families as reference

float64 = torch.float64
# torch itself builds its forward-mode rules with the compiler that it deprecates.
forward_mode = pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning")
families = pytest.mark.parametrize("family", sorted(FAMILIES))


def case(family: str, order: int = 2, n: int = 3, extrapolate="linear", cells: int = 2):
    """Leaves: x, base, coef, scale; and the rest. Some rows lie outside the grids."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(2, cells + 1, generator=generator, dtype=float64).cumsum(1) - 1.2
    basis = Basis(extend_knots(points, order), order, "silu", extrapolate, family)
    shapes = (2, 2), (2, 2, basis.bases), (2, 2)
    x = 4 * torch.rand(n, 2, generator=generator, dtype=float64) - 2
    leaves = [torch.randn(s, generator=generator, dtype=float64) for s in shapes]
    mask = torch.ones(2, 2, dtype=float64)
    mask[1, 0] = 0
    return [t.requires_grad_() for t in (x, *leaves)], basis, mask


@families
@given(order=st.integers(0, 5), cells=st.integers(1, 9), low=st.floats(-3, 3), width=st.floats(0.1, 5))
def test_the_definition(family, order, cells, low, width):
    grid = low + width * torch.linspace(0, 1, cells + 1, dtype=float64)
    basis = Basis(extend_knots(grid[None], order), order, "zero", "linear", family)
    low, high = (float(end) for end in basis.range)
    x = torch.linspace(low, high, 7, dtype=float64)
    values = getattr(reference, family)
    t = ((2 * x - low - high) / (high - low)).clamp(-1, 1)
    expected = np.array([values(float(at), cells + order, order) for at in t]).T
    np.testing.assert_allclose(expansion(x[None], basis)[0][0].numpy(), expected, atol=1e-9)


@families
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_outside_it_is_a_line_or_nothing(family, extrapolate):
    (x, *_), basis, _ = case(family, n=50, extrapolate=extrapolate)
    low, high = basis.range
    terms, slopes = design(x, basis)[..., 1:], design(x, basis, 1)[..., 1:]
    end = x.detach().clamp(low, high)
    at_end, slope = design(end, basis)[..., 1:], design(end, basis, 1)[..., 1:]
    inside = ((x >= low) & (x <= high))[..., None]
    if extrapolate == "linear":
        torch.testing.assert_close(terms, at_end + (x - end)[..., None] * slope)
        torch.testing.assert_close(slopes, slope)
    else:
        torch.testing.assert_close(terms, torch.where(inside, at_end, 0.0))
        torch.testing.assert_close(slopes, torch.where(inside, slope, 0.0))


@pytest.mark.parametrize("count", [40, 200])
def test_many_rational_functions_stay_finite_and_sum_to_one(count):
    for dtype, tolerance in ((torch.float32, 1e-4), (float64, 1e-9)):
        t = torch.linspace(-1, 1, 101, dtype=dtype)[None]
        values, slope = FAMILIES["rational"].derivatives(t, count, 3, 1)
        torch.testing.assert_close(values.sum(1), torch.ones_like(t), rtol=tolerance, atol=tolerance)
        assert bool(slope.isfinite().all())


@forward_mode
@families
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_derivatives_both_ways_and_of_derivatives(family, extrapolate):
    leaves, basis, mask = case(family, extrapolate=extrapolate)

    def function(x, base, coef, scale):
        return edge_sum(x, basis, Weights(base, coef, scale, mask), True)

    assert torch.autograd.gradcheck(function, leaves, check_forward_ad=True, check_batched_grad=True)
    if extrapolate == "linear":  # what is 0 outside has no derivatives there that could be wrong
        assert torch.autograd.gradgradcheck(function, leaves, atol=1e-4)


@forward_mode
@families
def test_every_derivative_of_the_design_is_the_next(family):
    (x, *_), basis, _ = case(family)
    for derivative in range(4):
        assert torch.autograd.gradcheck(
            lambda z, d=derivative: design(z, basis, d), [x], atol=1e-4, rtol=1e-4, check_forward_ad=True
        )


@families
def test_derivatives_in_the_range(family):
    (x, *weights), basis, mask = case(family)

    def function(points):
        moved = Basis(extend_knots(points, basis.order), basis.order, "silu", "linear", family)
        return edge_sum(x.detach(), moved, Weights(*weights, mask), True)

    assert torch.autograd.gradcheck(function, [basis.knots[:, 2:-2].clone().requires_grad_()])


@forward_mode
@families
def test_hessians_and_maps(family):
    (x, *weights), basis, mask = case(family)
    x, weights = x.detach(), Weights(*(w.detach() for w in weights), mask)

    def total(row):
        return edge_sum(row[None], basis, weights)[0].square().sum()

    expected = torch.stack([torch.autograd.functional.hessian(total, row) for row in x])
    torch.testing.assert_close(torch.func.vmap(torch.func.hessian(total))(x), expected)


@families
def test_torch_checks_the_operations(family):
    (x, *weights), basis, mask = case(family)
    torch.library.opcheck(torch.ops.ascribe.edge_sum.default, (x, basis.knots, *weights, mask, *basis.recipe, True))
    torch.library.opcheck(torch.ops.ascribe.design.default, (x, basis.knots, *basis.recipe, 1))


@families
def test_the_form_is_the_composed_operation(family):
    """Moments, spreads and gradients of the fused way against those that torch derives."""
    leaves, basis, mask = case(family, n=40)
    x, *weights = leaves
    weights = Weights(*weights, mask)
    form = form_for(x, basis)
    y, moments = form.forward(x.detach(), basis, weights.detach(), moments=True)
    phi = design(x, basis)
    edges = torch.einsum("nit,ijt->nij", phi, weights.folded())
    torch.testing.assert_close(y, edges.sum(1))
    torch.testing.assert_close(form.spreads(weights.detach(), moments), edges.std(0))
    gy = torch.randn(y.shape, dtype=float64, generator=torch.Generator().manual_seed(1))
    expected = torch.autograd.grad((edges.sum(1) * gy).sum(), leaves)
    gx, gw = form.backward(gy, x.detach(), basis, weights.detach())
    for found, wanted in zip((gx, *gw[:3]), expected, strict=True):
        torch.testing.assert_close(found, wanted)


@families
def test_nan_and_infinity_stay_in_their_rows(family):
    (x, *weights), basis, mask = case(family, n=20)
    x, weights = x.detach(), Weights(*weights, mask).detach()
    clean = edge_sum(x, basis, weights)[0]
    x[4, 1], x[7, 0] = torch.nan, torch.inf
    y = edge_sum(x, basis, weights)[0]
    assert bool(y[4].isnan().all())
    assert not bool(y[7].isfinite().any())
    good = [r for r in range(20) if r not in (4, 7)]
    assert torch.equal(y[good], clean[good])


@families
def test_low_precision_comes_back_as_it_went_in(family):
    (x, *weights), basis, mask = case(family)
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        less = Basis(basis.knots.to(dtype), *basis.recipe)
        y, _ = edge_sum(x.detach().to(dtype), less, Weights(*(w.detach().to(dtype) for w in (*weights, mask))))
        assert y.dtype == dtype
        assert bool(y.isfinite().all())


def test_an_unknown_family_is_a_sentence():
    _, basis, _ = case("spline")
    with pytest.raises(InputError, match=r"edge='spline' is not known; pass one of 'bspline', 'chebyshev'"):
        design(torch.zeros(1, 2, dtype=float64), basis)


# What checks shapes in tests is no graph: the compiler sees the package as users have it.
_COMPILED = """
import torch
from ascribe.maths.families import FAMILIES
from ascribe.maths.kernels import Basis, Weights, edge_sum
from ascribe.maths.splines import uniform_knots

torch.manual_seed(0)
knots = uniform_knots(-torch.ones(3), torch.ones(3), 4, 2)
x = torch.randn(7, 3)
leaves = [torch.randn(s, requires_grad=True) for s in ((3, 2), (3, 2, 6))]
for family in FAMILIES:
    basis = Basis(knots, 2, family=family)
    def function(x, base, coef):
        return edge_sum(x, basis, Weights(base, coef), True)
    torch._dynamo.reset()
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    results = []
    for f in (function, compiled):
        y, s = f(x, *leaves)
        results.append((y, s, *torch.autograd.grad(y.square().sum() + s.sum(), leaves)))
    for found, expected in zip(*results):
        torch.testing.assert_close(found, expected)
print("compiled")
"""


def test_compiles_into_one_graph():
    ran = subprocess.run([sys.executable, "-c", _COMPILED], capture_output=True, text=True, timeout=250)
    assert ran.stdout == "compiled\n", ran.stderr
