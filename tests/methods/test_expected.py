"""Expected: the plain mean over the background, and a sample of it with its standard error."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ascribe.core.explain import explain
from ascribe.core.method import Method
from ascribe.errors import MethodError
from ascribe.maths.quadrature import GaussLegendre
from ascribe.methods import (
    Conductance,
    Expected,
    ExpectedGradients,
    InputXGradient,
    IntegratedGradients,
    Saliency,
)
from ascribe.testing import check_method

X = torch.randn(3, 4, generator=torch.Generator().manual_seed(1)).double()
BACKGROUND = torch.randn(30, 4, generator=torch.Generator().manual_seed(2)).double()


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 1)).double()


@pytest.mark.parametrize("inner", [IntegratedGradients(), InputXGradient()], ids=repr)
def test_it_is_the_mean_over_the_background(net: nn.Module, inner: Method) -> None:
    truth = torch.stack([explain(net, X, inner, baseline=row).values for row in BACKGROUND]).mean(0)
    a = explain(net, X, Expected(inner), background=BACKGROUND)
    torch.testing.assert_close(a.values, truth)
    pieces = explain(net, X, Expected(inner), background=BACKGROUND, memory="8 KB")
    torch.testing.assert_close(pieces.values, truth)
    if "complete" in inner.laws:
        assert float(a.gap.abs().max()) < 1e-9
    assert float(explain(net, X, Expected(InputXGradient()), background=BACKGROUND).error.max()) == 0


def test_it_is_what_expected_gradients_estimate(net: nn.Module) -> None:
    exact = explain(net, X, Expected(IntegratedGradients()), background=BACKGROUND)
    draws = explain(net, X, ExpectedGradients(draws=500), background=BACKGROUND)
    assert float(((draws.values - exact.values) / draws.error).abs().max()) < 4


def test_the_error_of_a_sample_tells_the_truth(net: nn.Module) -> None:
    inner = IntegratedGradients(GaussLegendre(20))
    truth = explain(net, X, Expected(inner), background=BACKGROUND).values
    runs = [explain(net, X, Expected(inner, 10, seed), background=BACKGROUND) for seed in range(40)]
    z = torch.stack([(a.values - truth) / a.error for a in runs])
    assert 0.75 < float(z.square().mean().sqrt()) < 1.4
    whole = explain(net, X, Expected(inner, 30), background=BACKGROUND)
    torch.testing.assert_close(whole.values, truth)
    assert float(whole.error.max()) == 0


def test_a_layer_has_a_background_too(net: nn.Module) -> None:
    a = explain(net, X, Expected(IntegratedGradients()), at="1", background=BACKGROUND)
    assert float(a.gap.abs().max()) < 1e-9
    a = explain(net, X, Expected(Conductance()), at="1", background=BACKGROUND)
    assert a.values.shape == (3, 9)
    assert float(a.gap.abs().max()) < 1e-9


def test_laws() -> None:
    check_method(Expected(IntegratedGradients()))


def test_what_compares_with_no_point_is_refused() -> None:
    for inner in (Saliency(), ExpectedGradients(), IntegratedGradients):
        with pytest.raises((MethodError, TypeError), match=r"pass a method that compares|Type-check"):
            Expected(inner)
    with pytest.raises(MethodError, match="draws >= 2"):
        Expected(IntegratedGradients(), 1)
