"""Rules are exact to their order; the adaptive integral meets its tolerance and is exact where it says so."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ascribe.maths.panels import Integral, Take, integrate
from ascribe.maths.quadrature import Adaptive, GaussLegendre, Riemann, gauss, gauss_log, kronrod


@given(order=st.integers(1, 40))
def test_gauss_is_exact_to_its_order(order: int) -> None:
    t, w = gauss(order)
    powers = torch.arange(2 * order)
    torch.testing.assert_close(w @ t[:, None] ** powers, 1 / (powers + 1.0).double(), rtol=1e-12, atol=1e-12)


def test_kronrod_is_exact_to_degree_22_and_holds_gauss() -> None:
    t, w, g = kronrod()
    powers = torch.arange(23)
    torch.testing.assert_close(w @ t[:, None] ** powers, 1 / (powers + 1.0).double(), rtol=1e-13, atol=1e-15)
    nodes, weights = gauss(7)
    torch.testing.assert_close(t[g > 0], nodes)
    torch.testing.assert_close(g[g > 0], weights)
    assert t[7] == 0.5


@given(order=st.integers(1, 40))
def test_gauss_log_is_exact_to_its_order(order: int) -> None:
    t, w = gauss_log(order)
    powers = torch.arange(2 * order)
    torch.testing.assert_close(w @ t[:, None] ** powers, 1 / (powers + 1.0).double() ** 2, rtol=1e-11, atol=0)
    assert bool((w > 0).all())


def test_no_nodes_are_refused() -> None:
    for rule in (gauss, gauss_log):
        with pytest.raises(ValueError):
            rule(0)


@pytest.mark.parametrize(("side", "order"), [("left", 1), ("right", 1), ("middle", 2), ("trapezoid", 2)])
def test_riemann_rules_converge_with_their_order(side: str, order: int) -> None:
    def error(steps: int) -> float:
        t, w = Riemann(steps, side).nodes()
        return abs(float(w @ t.exp()) - (torch.e - 1))

    assert error(201) < error(101) * 0.55**order * 1.1
    assert float(Riemann(7, side).nodes()[1].sum()) == pytest.approx(1)


def test_a_fixed_rule_is_gauss() -> None:
    assert torch.equal(GaussLegendre(9).nodes()[0], gauss(9)[0])


def _integrate(height: object, integrand: object, rows: int, width: int, rule: Adaptive) -> tuple[Integral, int]:
    """Integrate q(t, row), whose entries add up to the slope of height(t, row), in pieces of 7."""
    spent = 0

    def visit(t: Tensor, row: Tensor, take: Take) -> None:
        nonlocal spent
        spent += len(t)
        for index in torch.arange(len(t)).split(7):
            q = integrand(t[index], row[index])
            take(index, height(t[index], row[index]), q, q)

    every = torch.arange(rows)
    zero = torch.zeros(rows).double()
    result = integrate(visit, height(zero, every), height(zero + 1, every), torch.zeros(rows, width).double(), rule)
    return result, spent


def test_one_kink_is_integrated_exactly_wherever_it_is() -> None:
    kinks = torch.rand(40, generator=torch.Generator().manual_seed(1)).double()
    before, behind = torch.tensor([1.0, -2.0, 0.5]).double(), torch.tensor([-3.0, 4.0, 2.5]).double()

    def integrand(t: Tensor, row: Tensor) -> Tensor:
        return torch.where((t < kinks[row])[:, None], before, behind)

    def height(t: Tensor, row: Tensor) -> Tensor:
        past = (t - kinks[row]).clamp_min(0)
        return (t - past) * before.sum() + past * behind.sum()

    result, spent = _integrate(height, integrand, 40, 3, Adaptive())
    truth = kinks[:, None] * before + (1 - kinks[:, None]) * behind
    torch.testing.assert_close(result.values, truth, rtol=1e-12, atol=1e-12)
    assert bool(result.reached.all())
    # A kink in front of the first node or behind the last is found by halving, elsewhere 15 nodes do.
    assert spent < 40 * 30


def test_smooth_integrands_need_one_panel() -> None:
    def integrand(t: Tensor, row: Tensor) -> Tensor:
        return torch.stack([(3 * t).cos(), t.exp()], 1) * (row[:, None] + 1)

    def height(t: Tensor, row: Tensor) -> Tensor:
        return ((3 * t).sin() / 3 + t.exp()) * (row + 1)

    result, spent = _integrate(height, integrand, 4, 2, Adaptive(1e-6))
    one = torch.ones(4).double()
    truth = torch.stack([(3 * one).sin() / 3, one.exp() - 1], 1) * torch.arange(1, 5)[:, None]
    torch.testing.assert_close(result.values, truth, rtol=1e-12, atol=1e-12)
    assert spent == 4 * 15


@pytest.mark.parametrize("tolerance", [1e-1, 1e-2, 1e-3])
def test_many_kinks_are_integrated_to_the_tolerance(tolerance: float) -> None:
    generator = torch.Generator().manual_seed(0)
    kinks = torch.rand(10, 60, generator=generator).double()
    jumps = torch.randn(60, 5, generator=generator).double()

    def integrand(t: Tensor, row: Tensor) -> Tensor:
        return 5 + (t[:, None] > kinks[row]).double() @ jumps

    def height(t: Tensor, row: Tensor) -> Tensor:
        return 25 * t + (t[:, None] - kinks[row]).clamp_min(0) @ jumps.sum(1)

    result, _ = _integrate(height, integrand, 10, 5, Adaptive(tolerance, limit=20000))
    truth = 5 + (1 - kinks) @ jumps
    scale = truth.abs().amax(1)
    assert bool(result.reached.all())
    assert bool(((result.values - truth).abs().amax(1) < 2 * tolerance * scale).all())
    assert bool((result.error.amax(1) <= tolerance * scale * 1.1).all())
    torch.testing.assert_close(result.values.sum(1), truth.sum(1), rtol=1e-4 * tolerance, atol=1e-4 * tolerance)


def test_the_limit_is_kept_and_said() -> None:
    def integrand(t: Tensor, row: Tensor) -> Tensor:
        return torch.stack([(1e4 * t).sin(), (1.7e4 * t).cos()], 1)

    def height(t: Tensor, row: Tensor) -> Tensor:
        return -(1e4 * t).cos() / 1e4 + (1.7e4 * t).sin() / 1.7e4

    result, spent = _integrate(height, integrand, 2, 2, Adaptive(1e-6, limit=300))
    assert not bool(result.reached.any())
    assert spent <= 2 * 300
