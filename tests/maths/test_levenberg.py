"""Damped steps: Newton's without damping, short along the gradient with much, and a solver together."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.maths.levenberg import Damping, add_gram, damped_step


@given(n=st.integers(1, 8), seed=st.integers(0, 100))
def test_without_damping_a_quadratic_is_solved_in_one_step(n: int, seed: int):
    draw = torch.Generator().manual_seed(seed)
    root = torch.randn(n, n, dtype=torch.float64, generator=draw)
    a, g = root @ root.T + torch.eye(n), torch.randn(n, dtype=torch.float64, generator=draw)
    step, drop = damped_step(a, g, 0.0)
    torch.testing.assert_close(a @ step, -g, atol=1e-5, rtol=1e-5)
    assert abs(drop - 0.5 * float(g @ torch.linalg.solve(a, g))) < 1e-6 * abs(drop)


@given(damping=st.floats(1e-3, 1e6), seed=st.integers(0, 100))
def test_every_step_descends_and_more_damping_shortens_it(damping: float, seed: int):
    draw = torch.Generator().manual_seed(seed)
    j = torch.randn(3, 5, dtype=torch.float64, generator=draw)  # rank 3 of 5
    g = j.T @ torch.randn(3, dtype=torch.float64, generator=draw)
    step, drop = damped_step(j.T @ j, g, damping)
    longer, _ = damped_step(j.T @ j, g, damping / 10)
    assert float(g @ step) < 0 < drop
    assert step.norm() <= longer.norm()


@given(n=st.integers(1, 200), m=st.integers(1, 5), seed=st.integers(0, 100))
def test_a_gram_matrix_is_added_to_the_lower_triangle(n: int, m: int, seed: int):
    draw = torch.Generator().manual_seed(seed)
    total, rows = torch.randn(n, n, dtype=torch.float64, generator=draw), torch.randn(n, m, generator=draw).double()
    before = total.clone()
    add_gram(total, rows, 0.5)
    torch.testing.assert_close(total.tril(), (before + 0.5 * rows @ rows.T).tril())


def test_the_upper_triangle_is_not_read():
    a, g = torch.tensor([[2.0, 0.5], [0.5, 1.0]]), torch.tensor([1.0, -1.0])
    step, drop = damped_step(a, g, 0.1)
    lower, same = damped_step(torch.tensor([[2.0, 77.0], [0.5, 1.0]]), g, 0.1)
    assert torch.equal(step, lower)
    assert drop == same == pytest.approx(-float(g @ step + 0.5 * step @ a @ step), rel=1e-5)


def test_a_parameter_without_curvature_stays():
    step, _ = damped_step(torch.diag(torch.tensor([2.0, 0.0])), torch.tensor([2.0, 0.0]), 1e-3)
    assert step[1] == 0


def test_a_system_that_is_not_positive_is_refused():
    assert damped_step(torch.tensor([[1.0, 2.0], [2.0, 1.0]]), torch.ones(2), 1e-6) is None


def test_rosenbrock_as_least_squares():
    x, damping = torch.tensor([-1.2, 1.0], dtype=torch.float64), Damping()

    def residuals(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])

    for _ in range(60):
        r, j = residuals(x), torch.autograd.functional.jacobian(residuals, x)
        step, promised = damped_step(j.T @ j, j.T @ r, damping.value)
        drop = 0.5 * float(r @ r - residuals(x + step).square().sum())
        if drop > 0:
            x = x + step
            damping.succeed(drop / promised)
        else:
            damping.fail()
    torch.testing.assert_close(x, torch.ones(2, dtype=torch.float64))
