"""The spline operation against its slow replica, its gradients against differences, and its behaviour at the edges."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.overrides import TorchFunctionMode

from ascribe.errors import InputError
from ascribe.maths.kernels import Basis, Weights, base_function, design, edge_sum
from ascribe.maths.splines import extend_knots
from reference import splines as reference

float64 = torch.float64


def case(order: int, cells: int = 4, n: int = 40, inputs: int = 3, outputs: int = 2, seed: int = 0):
    """Unequal knots, data beyond them on both sides, random weights."""
    generator = torch.Generator().manual_seed(seed)
    grid = torch.rand(inputs, cells + 1, generator=generator, dtype=float64).sort(1).values * 2 - 1
    knots = extend_knots(grid, order)
    x = torch.rand(n, inputs, generator=generator, dtype=float64) * 4 - 2
    weight = torch.randn(inputs, outputs, 1 + cells + order, generator=generator, dtype=float64)
    return x, knots, weight


def summed(x, knots, weight, order, base="silu", extrapolate="linear", spread=False):
    """`edge_sum` on one weight a term, (inputs, outputs, terms)."""
    weights = Weights(weight[..., 0], weight[..., 1:])
    return edge_sum(x, Basis(knots, order, base, extrapolate), weights, spread)


@given(
    order=st.integers(0, 5),
    cells=st.integers(1, 6),
    base=st.sampled_from(["silu", "identity", "zero"]),
    extrapolate=st.sampled_from(["linear", "zero"]),
    seed=st.integers(0, 1000),
)
def test_sums_and_spreads_are_the_replicas(order, cells, base, extrapolate, seed):
    x, knots, weight = case(order, cells, 15, seed=seed)
    edges = reference.edges(x.numpy(), knots.numpy(), weight.numpy(), order, base, extrapolate == "linear")
    y, spread = summed(x, knots, weight, order, base, extrapolate, spread=True)
    np.testing.assert_allclose(y.numpy(), edges.sum(1), atol=1e-8)
    np.testing.assert_allclose(spread.numpy(), edges.std(0, ddof=1), atol=1e-8)


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("derivative", range(4))
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_derivatives_of_the_design_are_the_replicas(order, derivative, extrapolate):
    x, knots, _ = case(order, n=12)
    found = design(x, Basis(knots, order, "zero", extrapolate), derivative)[..., 1:]
    for i in range(3):
        expected = [
            reference.bases(v, knots[i].tolist(), order, derivative, extrapolate == "linear") for v in x[:, i].tolist()
        ]
        np.testing.assert_allclose(found[:, i].numpy(), expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
@pytest.mark.parametrize("order", [1, 3, 4])
def test_gradients_and_gradients_of_gradients(order, extrapolate, spread):
    x, knots, weight = case(order, n=6)
    x, weight = x.requires_grad_(), weight.requires_grad_()

    def function(x, weight):
        y, s = summed(x, knots, weight, order, "silu", extrapolate, spread)
        return (y, s) if spread else y

    assert torch.autograd.gradcheck(function, (x, weight))
    assert torch.autograd.gradgradcheck(function, (x, weight))


@pytest.mark.parametrize("name", ["silu", "identity", "zero"])
def test_base_functions_have_their_derivatives(name):
    x = torch.linspace(-3, 3, 50, dtype=float64)
    function = base_function(name)
    for d in range(4):
        slope = (function(x + 1e-5, d) - function(x - 1e-5, d)) / 2e-5
        torch.testing.assert_close(function(x, d + 1), slope, atol=1e-7, rtol=1e-6)


def test_an_unknown_base_is_named():
    with pytest.raises(InputError, match=r"'relu'.*'silu', 'identity', 'zero'"):
        base_function("relu")


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("gradients", [False, True])
def test_no_rows_and_one_row_have_no_spread(n, gradients):
    x, knots, weight = case(3, n=n)
    x, weight = x.requires_grad_(gradients), weight.requires_grad_(gradients)
    y, spread = summed(x, knots, weight, 3, "silu", spread=True)
    assert y.shape == (n, 2)
    assert torch.equal(spread, torch.zeros(3, 2, dtype=float64))
    if gradients:
        found = torch.autograd.grad(y.sum() + spread.sum(), (x, weight))
        assert all(bool(g.isfinite().all()) for g in found)


def test_nan_stays_in_its_row():
    x, knots, weight = case(3)
    x[4, 1] = torch.nan
    y, _ = summed(x, knots, weight, 3, "silu")
    assert y.isnan().all(1).nonzero()[:, 0].tolist() == [4]
    assert int(y.isnan().any(1).sum()) == 1


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("grid", [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [-1.0, 0.5, 0.5, 0.5, 1.0]])
def test_repeated_knots_give_no_nan(order, grid):
    knots = torch.cat([torch.full((order,), grid[0]), torch.tensor(grid), torch.full((order,), grid[-1])])[None]
    x = torch.tensor([-2.0, -1.0, 0.0, 0.3, 0.5, 1.0, 2.0])[:, None].requires_grad_()
    weight = torch.ones(1, 1, knots.shape[1] - order, requires_grad=True)
    y, spread = summed(x, knots.float(), weight, order, "silu", spread=True)
    gx, gw = torch.autograd.grad(y.sum() + spread.sum(), (x, weight))
    assert all(bool(t.isfinite().all()) for t in (y, spread, gx, gw))


@pytest.mark.parametrize("order", range(4))
def test_clamped_knots_own_their_right_end(order):
    knots = torch.tensor([0.0] * (order + 1) + [0.4] + [1.0] * (order + 1), dtype=float64)[None]
    bases = design(torch.tensor([[1.0]], dtype=float64), Basis(knots, order, "zero"))[0, 0, 1:]
    assert bases.tolist() == [*[0.0] * (len(bases) - 1), 1.0]


def test_a_constant_edge_has_no_spread_in_float32():
    x, knots, _ = case(3, n=500)
    weight = torch.cat([torch.zeros(3, 2, 1), torch.full((3, 2, 7), 5.0)], 2)
    _, spread = summed(x.float(), knots.float(), weight, 3, "silu", spread=True)
    assert float(spread.max()) < 1e-5


@pytest.mark.parametrize("rows", [1, 8192, 20_000])
def test_pieces_make_no_difference(rows):
    x, knots, weight = case(3, n=rows)
    without, _ = summed(x, knots, weight, 3, "silu")
    with_gradient, _ = summed(x, knots, weight.requires_grad_(), 3, "silu")
    torch.testing.assert_close(without, with_gradient.detach(), rtol=1e-12, atol=1e-12)


def test_knots_changed_in_place_are_noticed():
    x, knots, weight = case(3)
    before, _ = summed(x, knots, weight, 3, "silu")
    knots.data.mul_(1.5)
    after, _ = summed(x, knots, weight, 3, "silu")
    fresh, _ = summed(x, knots.clone(), weight, 3, "silu")
    assert not torch.allclose(before, after)
    assert torch.equal(after, fresh)


def test_the_operation_can_be_overridden():
    seen = []

    class Watch(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            seen.append(function)
            return function(*args, **(kwargs or {}))

    x, knots, weight = case(3)
    plain = summed(x, knots, weight, 3, "silu")[0]
    with Watch():
        watched = summed(x, knots, weight, 3, "silu")[0]
    assert edge_sum in seen
    assert torch.equal(plain, watched)


# torch itself builds its forward-mode rules with the compiler that it deprecates.
@pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning")
def test_maps_and_function_transforms():
    x, knots, weight = case(3, n=5)

    def total(row):
        return summed(row[None], knots, weight, 3, "silu")[0].sum()

    rows = torch.func.vmap(torch.func.grad(total))(x)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(summed(leaf, knots, weight, 3, "silu")[0].sum(), leaf)
    torch.testing.assert_close(rows, expected)
    forward = torch.func.vmap(torch.func.jacfwd(total))(x)
    torch.testing.assert_close(forward, expected)


def test_inputs_are_left_alone():
    x, knots, weight = case(3)
    before = copy.deepcopy((x, knots, weight))
    weight.requires_grad_()
    y, s = summed(x, knots, weight, 3, "silu", spread=True)
    (y.sum() + s.sum()).backward()
    assert all(torch.equal(a, b) for a, b in zip((x, knots, weight.detach()), before, strict=True))
