"""The directions and the line search minimise what they should: quadratics, curved valleys, functions with kinks."""

from __future__ import annotations

import math
from collections.abc import Callable
from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ascribe.maths.lbfgs import Memory, Metric, Trial, wolfe


def minimise(
    function: Callable[[Tensor], Tensor], start: Tensor, iterations: int, size: int = 10, metric: Metric = torch.clone
) -> Tensor:
    """Plain L-BFGS."""

    def value_and_gradient(x: Tensor) -> tuple[float, Tensor]:
        leaf = x.clone().requires_grad_()
        value = function(leaf)
        return value.item(), torch.autograd.grad(value, leaf)[0]

    memory, x = Memory(size), start
    f, g = value_and_gradient(x)
    for _ in range(iterations):
        d = memory.direction(g, metric)
        seen = {}

        def at(length: float, x: Tensor = x, d: Tensor = d, seen: dict = seen) -> Trial:
            seen[length] = value_and_gradient(x + length * d)
            return Trial(length, seen[length][0], float(seen[length][1] @ d))

        best = wolfe(at, Trial(0.0, f, float(g @ d)), 1.0)
        if best.length not in seen:
            break
        new_f, new_g = seen[best.length]
        memory.remember(best.length * d, new_g - g)
        x, f, g = x + best.length * d, new_f, new_g
    return x


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


@given(n=st.integers(1, 8), seed=st.integers(0, 100))
def test_a_convex_quadratic_is_solved(n: int, seed: int):
    draw = torch.Generator().manual_seed(seed)
    root = torch.randn(n, n, dtype=torch.float64, generator=draw)
    a, b = root @ root.T + torch.eye(n), torch.randn(n, dtype=torch.float64, generator=draw)
    x = minimise(lambda x: 0.5 * x @ a @ x - b @ x, torch.zeros(n, dtype=torch.float64), 60)
    torch.testing.assert_close(a @ x, b, atol=1e-5, rtol=0)


@pytest.mark.parametrize("n", [2, 10])
def test_the_curved_valley_of_rosenbrock(n: int):
    start = torch.full((n,), -1.2, dtype=torch.float64).index_fill(0, torch.tensor([1]), 1.0)
    x = minimise(rosenbrock, start, 120)
    torch.testing.assert_close(x, torch.ones(n, dtype=torch.float64), atol=1e-6, rtol=0)


def test_a_kink_stops_nothing():
    x = minimise(
        lambda x: (x[0] - 3).abs() + 5 * (x[1] + x[0]).abs() + 0.01 * x.square().sum(),
        torch.tensor([10.0, 7.0], dtype=torch.float64),
        200,
    )
    torch.testing.assert_close(x, torch.tensor([3.0, -3.0], dtype=torch.float64), atol=1e-3, rtol=0)


@given(seed=st.integers(0, 50), pairs=st.integers(0, 22), short=st.sampled_from([0, 10_000]))
def test_the_direction_is_that_of_the_two_loops(seed: int, pairs: int, short: int):
    with patch("ascribe.maths.lbfgs._SHORT", short):
        compare_with_two_loops(seed, pairs)


def compare_with_two_loops(seed: int, pairs: int):
    draw = torch.Generator().manual_seed(seed)
    n, size = 6, 5
    scale = torch.rand(n, dtype=torch.float64, generator=draw) + 0.5
    curvature = torch.diag(torch.rand(n, dtype=torch.float64, generator=draw) + 0.1)
    memory, kept = Memory(size), []
    for _ in range(pairs):
        s = torch.randn(n, dtype=torch.float64, generator=draw)
        memory.remember(s, curvature @ s)
        kept = [*kept, (s, curvature @ s)][-size:]
    g = torch.randn(n, dtype=torch.float64, generator=draw)
    q, shares = g.clone(), []
    for s, y in reversed(kept):
        shares.append(s @ q / (s @ y))
        q = q - shares[-1] * y
    q = scale * q
    for (s, y), share in zip(kept, reversed(shares), strict=True):
        q = q + s * (share - y @ q / (s @ y))
    torch.testing.assert_close(memory.direction(g, lambda v: scale * v), -q)


def test_a_pair_without_curvature_is_not_remembered():
    memory = Memory(3)
    memory.remember(torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 0.0]))
    memory.remember(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    assert len(memory) == 0


def test_values_that_are_not_finite_are_too_far():
    def at(length: float) -> Trial:
        return Trial(length, math.nan if length > 0.3 else (length - 0.2) ** 2, 2 * (length - 0.2))

    found = wolfe(at, Trial(0.0, 0.04, -0.4), 1.0)
    assert 0 < found.length < 0.3
    assert found.value < 0.04


def test_nothing_lower_is_said_by_the_start():
    start = Trial(0.0, 1.0, -1.0)
    assert wolfe(lambda length: Trial(length, 2.0, 1.0), start, 1.0) is start
    assert wolfe(lambda length: Trial(length, 0.0, 1.0), Trial(0.0, 1.0, 0.5), 1.0).length == 0.0
