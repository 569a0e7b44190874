"""Integrated gradients against the slow replica and a library that is trusted for it, and what its tolerance means."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe import Adaptive, Conductance, GaussLegendre, IntegratedGradients, Riemann, explain
from ascribe.errors import MethodError
from ascribe.methods.paths import ToleranceWarning
from reference.integrated_gradients import conductance, integrated_gradients


def _mlp(activation: type[nn.Module] = nn.ReLU, width: int = 24) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(6, width), activation(), nn.Linear(width, width), activation(), nn.Linear(width, 1)
    ).double()


def _worst(found: Tensor, truth: Tensor) -> Tensor:
    return (found - truth).abs().flatten(1).amax(1) / truth.abs().flatten(1).amax(1)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.GELU, nn.Tanh])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-3])
def test_the_tolerance_is_the_error_of_the_worst_entry(activation: type[nn.Module], tolerance: float) -> None:
    net, x, x0 = _mlp(activation), torch.randn(4, 6).double(), torch.randn(6).double()
    truth = torch.stack([integrated_gradients(net, row, x0, 2000) for row in x])
    a = explain(net, x, IntegratedGradients(Adaptive(tolerance)), baseline=x0)
    assert float(_worst(a.values, truth).max()) < 2 * tolerance
    assert float(a.gap.abs().max()) < 1e-6
    if activation is not nn.ReLU:
        assert a.evaluations < 4 * 16 + 20


def test_a_tighter_tolerance_costs_more_and_errs_less() -> None:
    net, x = _mlp(width=32), torch.randn(6, 6).double() * 3
    truth = explain(net, x, IntegratedGradients(Adaptive(1e-5, limit=10**6))).values
    runs = [explain(net, x, IntegratedGradients(Adaptive(tolerance, 10**5))) for tolerance in (0.1, 0.01, 1e-3)]
    errors = [float(_worst(a.values, truth).mean()) for a in runs]
    assert errors == sorted(errors, reverse=True)
    assert [a.evaluations for a in runs] == sorted(a.evaluations for a in runs)


def test_fixed_rules_are_the_sums_they_say() -> None:
    net, x = _mlp(), torch.randn(3, 6).double()
    for rule in (GaussLegendre(7), Riemann(5, "left"), Riemann(5, "trapezoid")):
        t, w = rule.nodes()
        points = (t[:, None, None] * x).requires_grad_()
        slope = torch.autograd.grad(net(points).sum(), points)[0]
        truth = x * (w[:, None, None] * slope).sum(0)
        torch.testing.assert_close(explain(net, x, IntegratedGradients(rule)).values, truth)


def test_it_equals_captum_on_captums_nodes() -> None:
    captum = pytest.importorskip("captum.attr")
    net, x = _mlp().float(), torch.randn(20, 6)
    theirs = captum.IntegratedGradients(net).attribute(x, n_steps=50)
    ours = explain(net, x, IntegratedGradients(GaussLegendre(50))).values
    torch.testing.assert_close(ours, theirs.to(ours), rtol=1e-4, atol=1e-6)
    theirs = captum.LayerConductance(net, net[2]).attribute(x, n_steps=100)
    ours = explain(net, x, Conductance(GaussLegendre(101)), at="2").values
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-6)


def test_the_limit_warns() -> None:
    with pytest.warns(ToleranceWarning, match=r"2 of 2 rows spent 15 evaluations .* pass Adaptive\(limit=60\)"):
        a = explain(_mlp(width=64), torch.randn(2, 6).double() * 5, IntegratedGradients(Adaptive(1e-9, limit=15)))
    assert a.error is not None
    assert float(a.error.max()) > 0


def test_a_jump_has_a_gap_that_is_told() -> None:
    """No gradient sees a jump of the score: the gap says so."""
    with pytest.warns(ToleranceWarning):
        a = explain(lambda z: z[:, 0] + (z[:, 1] > 0.3).to(z), torch.ones(1, 2).double(), IntegratedGradients())
    assert float(a.gap) == pytest.approx(1, abs=1e-3)


def test_no_way_to_go_is_nothing() -> None:
    x = torch.randn(3, 6).double()
    a = explain(_mlp(), x, IntegratedGradients(), baseline=x)
    assert float(a.values.abs().max()) == 0


def test_rows_in_blocks_of_the_budget_are_the_same() -> None:
    net, x = _mlp(), torch.randn(12, 6).double()
    whole = explain(net, x, IntegratedGradients())
    torch.testing.assert_close(explain(net, x, IntegratedGradients(), memory="8 KB").values, whole.values)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision_ends(dtype: torch.dtype) -> None:
    net, x = _mlp().to(dtype), torch.randn(8, 6).to(dtype)
    a = explain(net, x, IntegratedGradients())
    assert a.values.dtype == dtype
    assert float(a.gap.abs().max()) < 100 * torch.finfo(dtype).eps


def test_conductance_is_the_layers_path_integral() -> None:
    net, x, x0 = _mlp(nn.Tanh), torch.randn(3, 6).double(), torch.randn(6).double()
    truth = torch.stack([conductance(net[:3], net[3:], row, x0, 1000) for row in x])
    a = explain(net, x, Conductance(Adaptive(1e-5)), at="2", baseline=x0)
    torch.testing.assert_close(a.values, truth, rtol=1e-4, atol=1e-5)
    assert float(a.gap.abs().max()) < 1e-9


@pytest.mark.parametrize("rule", [Adaptive(0.0), Adaptive(2.0), Adaptive(limit=3), GaussLegendre(0)])
def test_rules_that_cannot_be_are_refused(rule: Adaptive | GaussLegendre) -> None:
    for method in (IntegratedGradients, Conductance):
        with pytest.raises(MethodError, match="pass"):
            method(rule)
