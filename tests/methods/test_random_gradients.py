"""Expected gradients and SmoothGrad: right in the mean, with standard errors that tell the truth."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe import Adaptive, ExpectedGradients, IntegratedGradients, Saliency, SmoothGrad, explain
from ascribe.errors import MethodError


@pytest.fixture
def net() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1)).double()


def _z_scores(found: list[Tensor], errors: list[Tensor], truth: Tensor) -> Tensor:
    return torch.stack([(value - truth) / error for value, error in zip(found, errors, strict=True)])


def test_expected_gradients_are_mean_integrated_gradients(net: nn.Module) -> None:
    x, background = torch.randn(3, 5).double(), torch.randn(20, 5).double()
    tight = IntegratedGradients(Adaptive(1e-4, limit=10**5))
    truth = torch.stack([explain(net, x, tight, baseline=row).values for row in background]).mean(0)
    runs = [explain(net, x, ExpectedGradients(draws=100, seed=seed), background=background) for seed in range(10)]
    z = _z_scores([a.values for a in runs], [a.error for a in runs], truth)
    # Draws that are spread evenly err less than their standard errors say, never more.
    assert float(z.square().mean().sqrt()) < 1.1
    assert float(z.abs().max()) < 4.5
    assert all(float(a.gap.abs().max()) < 1e-9 for a in runs)


def test_noise_leaves_the_sum_uncorrected(net: nn.Module) -> None:
    x, background = torch.randn(3, 5).double(), torch.randn(20, 5).double()
    a = explain(net, x, ExpectedGradients(draws=64, noise=1e-9), background=background)
    assert float(a.gap.abs().max()) > 1e-4
    exact = explain(net, x, ExpectedGradients(draws=64), background=background)
    assert float(((a.values - exact.values) / a.error).abs().max()) < 4


def test_expected_gradients_agree_with_gradient_shap(net: nn.Module) -> None:
    captum = pytest.importorskip("captum.attr")
    x, background = torch.randn(3, 5).double(), torch.randn(20, 5).double()
    theirs = captum.GradientShap(net).attribute(x, background, n_samples=2000)
    ours = explain(net, x, ExpectedGradients(draws=2000), background=background)
    uncorrected = explain(net, x, ExpectedGradients(draws=2000, noise=1e-12), background=background)
    assert float(((ours.values - theirs) / uncorrected.error).abs().max()) < 4.5


def test_expected_gradients_run_until_the_error_is_small(net: nn.Module) -> None:
    x, background = torch.randn(4, 5).double(), torch.randn(20, 5).double()
    truth = torch.stack(
        [explain(net, x, IntegratedGradients(Adaptive(1e-4, 10**5)), baseline=row).values for row in background]
    ).mean(0)
    method = ExpectedGradients(draws=8, until=0.02)
    a = explain(net, x, method, background=background)
    assert bool((a.error.amax(1) <= 0.02 * a.values.abs().amax(1)).all())
    assert float(((a.values - truth) / a.error).abs().max()) < 4.5
    assert float(a.gap.abs().max()) < 1e-9
    # Rows leave by their own error, and what they have then is what they have alone.
    alone = [explain(net, row[None], method, background=background) for row in x]
    torch.testing.assert_close(torch.cat([one.values for one in alone]), a.values)
    assert a.evaluations <= sum(one.evaluations for one in alone)
    limited = explain(net, x, ExpectedGradients(draws=8, until=1e-9, limit=16), background=background)
    assert limited.evaluations <= 4 * 17 + 21


def test_local_expected_gradients_are_mean_gradients(net: nn.Module) -> None:
    x, background = torch.randn(3, 5).double(), torch.randn(20, 5).double()
    tight = IntegratedGradients(Adaptive(1e-4, limit=10**5), local=True)
    truth = torch.stack([explain(net, x, tight, baseline=row).values for row in background]).mean(0)
    a = explain(net, x, ExpectedGradients(draws=400, local=True), background=background)
    assert float(((a.values - truth) / a.error).abs().max()) < 4.5
    assert ExpectedGradients(local=True).laws == {"dummy", "linear", "implementation_invariant"}


def test_every_input_has_its_own_noise(net: nn.Module) -> None:
    pair = lambda a, b: net(torch.cat([a, b], 1))  # noqa: E731
    x, background = torch.randn(3, 5).double(), torch.randn(20, 5).double()
    whole = ExpectedGradients(16, noise=(0.3, 0.3, 0.0, 0.0, 0.0))
    truth = explain(net, x, whole, background=background).values
    split = explain(
        pair,
        (x[:, :2], x[:, 2:]),
        ExpectedGradients(16, noise=(0.3, 0.0)),
        background=(background[:, :2], background[:, 2:]),
    )
    torch.testing.assert_close(torch.cat(split.values, 1), truth)


@pytest.mark.parametrize("draws", [1, 2, 3])
def test_few_draws_are_the_plain_mean(net: nn.Module, draws: int) -> None:
    x, background = torch.randn(3, 5).double(), torch.randn(20, 5).double()
    a = explain(net, x, ExpectedGradients(draws), background=background)
    plain = explain(net, x, ExpectedGradients(draws, noise=1e-12), background=background)
    torch.testing.assert_close(a.values, plain.values)
    assert (a.error is None) == (draws == 1)
    assert "complete" not in a.method.laws


def test_smooth_grad_of_a_square_is_its_slope() -> None:
    """E 2(x + noise) = 2x, with a standard error of 2 sigma / sqrt(draws)."""
    x = torch.randn(2, 3).double()
    runs = [explain(lambda z: (z**2).sum(1), x, SmoothGrad(Saliency(), 0.5, 32, seed)) for seed in range(12)]
    z = _z_scores([a.values[:1] for a in runs], [a.error[:1] for a in runs], 2 * x[:1])
    assert 0.7 < float(z.square().mean().sqrt()) < 1.3
    torch.testing.assert_close(
        torch.stack([a.error for a in runs]).mean(), torch.tensor(2 * 0.5 / 32**0.5).double(), rtol=0.15, atol=0
    )


def test_smooth_grad_without_noise_is_the_inner_method(net: nn.Module) -> None:
    x = torch.randn(2, 5).double()
    a = explain(net, x, SmoothGrad(IntegratedGradients(), sigma=0.0, draws=2))
    torch.testing.assert_close(a.values, explain(net, x, IntegratedGradients()).values)
    assert float(a.error.max()) < 1e-12
    assert a.method.name == "SmoothGrad IntegratedGradients"


def test_knobs_out_of_range_are_refused() -> None:
    for build in (
        lambda: ExpectedGradients(draws=0),
        lambda: ExpectedGradients(noise=-1.0),
    ):
        with pytest.raises(MethodError, match="pass"):
            build()
