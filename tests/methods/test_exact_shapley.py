"""Shapley values of networks with one hidden layer, against all coalitions and against sampling."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ascribe.core.explain import explain
from ascribe.errors import MethodError
from ascribe.methods.exact_shapley import ExactShapley
from ascribe.methods.shapley import Shapley
from ascribe.testing import check_method

float64 = torch.float64
ACTIVATIONS = [
    nn.Tanh(), nn.Sigmoid(), nn.SiLU(), nn.Mish(), nn.GELU(), nn.Softplus(), nn.ELU(), nn.ReLU(), nn.LeakyReLU(0.2),
    nn.Identity(), nn.Hardswish(),
]  # fmt: skip


def network(inputs, activation, outputs=1, hidden=5, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(inputs, hidden), activation, nn.Linear(hidden, outputs))
    return net.double()


def rows(count, columns, seed=1):
    return torch.randn(count, columns, generator=torch.Generator().manual_seed(seed), dtype=float64)


@pytest.fixture(autouse=True)
def _terms(request, monkeypatch):
    """Few players, but solved as many are, except where that is the question."""
    if "few_players" not in request.node.name:
        monkeypatch.setattr("ascribe.maths.sum_games.FEW", 0)


@pytest.mark.parametrize("dtype", [float64, torch.float32])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_few_players_have_values_to_rounding(activation, dtype):
    net, x, background = network(6, activation, outputs=2), 2 * rows(3, 6), rows(2, 6, seed=2)
    net, x, background = net.to(dtype), x.to(dtype), background.to(dtype)
    found = explain(net, x, ExactShapley(), background=background, target="all")
    expected = explain(net.double(), x.double(), Shapley(budget=2**9), background=background.double(), target="all")
    assert bool(((found.values.double() - expected.values).abs() <= found.error.double() + 1e-14).all())
    assert float(found.error.max()) <= 1000 * torch.finfo(dtype).eps * float(expected.values.abs().max())


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_values_are_those_of_all_coalitions(activation):
    net, x, background = network(8, activation, outputs=2), 2 * rows(3, 8), rows(2, 8, seed=2)
    found = explain(net, x, ExactShapley(1e-3), background=background, target="all")
    expected = explain(net, x, Shapley(budget=2**9), background=background, target="all")
    largest = expected.values.abs().amax(-1)
    assert bool(((found.values - expected.values).abs() <= found.error + 1e-12).all())
    assert bool((found.error.amax(-1) <= 1.001e-3 * largest).all())
    assert 0 < found.evaluations < expected.evaluations / 50
    sharper = explain(net, x, ExactShapley(1e-6), background=background, target="all")
    assert bool(((sharper.values - expected.values).abs() <= 1e-5 * largest[..., None]).all())
    if isinstance(activation, (nn.Tanh, nn.Sigmoid, nn.SiLU, nn.Mish, nn.GELU, nn.Softplus, nn.Identity)):
        assert bool((sharper.error.amax(-1) <= 1.001e-6 * largest).all())


def test_outputs_of_rows_groups_and_dropout():
    net, x, background = network(7, nn.Tanh(), outputs=3), rows(4, 7), rows(3, 7, seed=2)
    dropping = nn.Sequential(net[0], net[1], nn.Dropout(0.5), net[2])
    groups = torch.tensor([0, 1, 1, 2, 0, 3, 2])
    for target in (1, [2, 0, 1, 1], "predicted"):
        ours, theirs = (
            explain(model, x, method, background=background, target=target, groups=groups)
            for model, method in ((dropping, ExactShapley()), (net, Shapley()))
        )
        assert ours.values.shape == (4, 4)
        torch.testing.assert_close(ours.values, theirs.values, rtol=1e-5, atol=1e-6)


def test_many_features_against_sampling():
    net, x, background = network(50, nn.ReLU()), rows(2, 50), rows(2, 50, seed=2)
    found = explain(net, x, ExactShapley(1e-3), background=background)
    sampled = explain(net, x, Shapley(budget=4000), background=background)
    apart = (found.values - sampled.values).abs() / sampled.error
    assert float(apart.max()) < 5
    assert float(apart.square().mean()) < 2
    assert float(found.error.max()) < 0.1 * float(sampled.error.mean())


@pytest.mark.parametrize("seed", range(2))
def test_laws(seed):
    check_method(ExactShapley(), seed)


def test_other_models_are_asked_about_all_coalitions():
    def f(x):
        return x[:, 0] * x[:, 1] + x[:, 2]

    x = rows(2, 3)
    torch.testing.assert_close(explain(f, x, ExactShapley()).values, explain(f, x, Shapley()).values)
    hooked = network(3, nn.Tanh())
    hooked[1].register_forward_hook(lambda module, given, out: out * out)
    torch.testing.assert_close(explain(hooked, x, ExactShapley()).values, explain(hooked, x, Shapley()).values)
    normalised = nn.Sequential(nn.Linear(3, 4), nn.Softmax(1), nn.Linear(4, 1)).double()
    torch.testing.assert_close(explain(normalised, x, ExactShapley()).values, explain(normalised, x, Shapley()).values)


def test_too_many_players_for_all_coalitions():
    deep = nn.Sequential(nn.Linear(30, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    with pytest.raises(MethodError, match=r"30 players .* Shapley\(budget"):
        explain(deep, rows(1, 30), ExactShapley())
    with pytest.raises(MethodError, match="tolerance=2"):
        ExactShapley(2.0)
