"""NoiseTunnel around every kind of class, and LRP's rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import captum.attr as captum
import pytest
import torch
from captum.attr._utils import lrp_rules as captums_rules
from torch import Tensor, nn

from ascribe.compat.captum import attr
from ascribe.compat.captum.attr._utils import lrp_rules
from ascribe.errors import MethodError
from ascribe.rules.relevance.epsilon import Epsilon
from compat.captum_door import captums_warnings_aside, close
from networks.cnn import cnn, images
from networks.mlp import mlp, points


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with captums_warnings_aside():
        yield


@pytest.mark.parametrize("kind", ["smoothgrad", "smoothgrad_sq", "vargrad"])
@pytest.mark.parametrize("name", ["InputXGradient", "LayerGradientXActivation"])
def test_without_noise_it_is_exact(kind: str, name: str) -> None:
    net, x = mlp(3, torch.float64), points(3, 0, torch.float64)
    layer = (net.lin2,) if name.startswith("Layer") else ()
    found, expected = (
        room.NoiseTunnel(getattr(room, name)(net, *layer)).attribute(x, kind, 4, stdevs=0.0, target=[1, 0, 2])
        for room in (attr, captum)
    )
    torch.testing.assert_close(found, expected.detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["smoothgrad", "smoothgrad_sq", "vargrad"])
@pytest.mark.parametrize("name", ["Saliency", "LayerGradientXActivation"])
def test_with_noise_it_is_within_four_standard_errors(kind: str, name: str) -> None:
    net, x, draws = mlp(), points(2), 25
    layer = (net.lin2,) if name.startswith("Layer") else ()
    tunnel, theirs = (room.NoiseTunnel(getattr(room, name)(net, *layer)) for room in (attr, captum))
    found = tunnel.attribute(x, kind, draws, stdevs=0.5, target=1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        runs = torch.stack([theirs.attribute(x, kind, draws, stdevs=0.5, target=1).detach() for _ in range(20)])
    # The spread of a run is known from 20 of them to a sixth.
    assert ((found - runs.mean(0)).abs() <= 4 * 1.2 * runs.std(0) + 1e-6).all()


def test_deltas_of_every_draw() -> None:
    net, x = mlp(3, torch.float64), points(3, 0, torch.float64)
    given = {"stdevs": 0.0, "target": 1, "n_steps": 4, "return_convergence_delta": True}
    found, expected = (
        room.NoiseTunnel(room.IntegratedGradients(net)).attribute(x, nt_samples=2, **given) for room in (attr, captum)
    )
    assert found[1].shape == expected[1].shape == (6,)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-5, atol=1e-7)
    assert attr.NoiseTunnel(attr.IntegratedGradients(net)).has_convergence_delta()


def test_noise_of_each_input() -> None:
    """Where only one input is noisy, what is linear in the other is exact."""
    found = attr.NoiseTunnel(attr.InputXGradient(lambda a, b: a.sum(1) + (b**2).sum(1))).attribute(
        (points(2), points(2, 1)), nt_samples=3, stdevs=(0.0, 1.0)
    )
    close(found[0], points(2))
    assert not torch.allclose(found[1], 2 * points(2, 1) ** 2)


def test_baselines_are_drawn() -> None:
    net, x = mlp(3, torch.float64), points(2, 0, torch.float64)
    rows = points(3, 1, torch.float64)
    tunnel = attr.NoiseTunnel(attr.IntegratedGradients(net))
    given = {"target": 1, "n_steps": 4, "stdevs": 0.0}
    found = tunnel.attribute(x, nt_samples=40, baselines=rows, draw_baseline_from_distrib=True, **given)
    each = torch.stack([attr.IntegratedGradients(net).attribute(x, row[None], target=1, n_steps=4) for row in rows])
    assert ((found - each.mean(0)).abs() <= 4 * each.std(0) / 40**0.5 + 1e-9).all()
    assert not torch.allclose(found, each[0])


class Twice(attr.Attribution):
    """A user's class: the inputs doubled and the target added."""

    def attribute(self, inputs: Any, target: Tensor, several: bool = False) -> Any:
        found = 2 * inputs + target[:, None]
        return (found, inputs) if several else found


class Taken(attr.PerturbationAttribution):
    """Another, with what is lost without everything."""

    def __init__(self, forward_func: Any) -> None:
        super().__init__(forward_func)

    def attribute(self, inputs: Tensor, **kwargs: Any) -> Tensor:
        return (self.forward_func(inputs, **kwargs) - self.forward_func(0 * inputs, **kwargs))[:, :1].expand_as(inputs)


def test_classes_of_users() -> None:
    """Captum asks for `__wrapped__` and fails."""
    x, target = points(3), torch.arange(3)
    tunnel = attr.NoiseTunnel(Twice(mlp()))
    torch.testing.assert_close(tunnel.attribute(x, stdevs=0.0, target=target), 2 * x + target[:, None])
    both = tunnel.attribute(x, stdevs=0.0, target=target, several=True)
    assert isinstance(both, tuple)
    torch.testing.assert_close(both[1], x)
    assert attr.NoiseTunnel(Taken(mlp())).attribute(x, stdevs=0.5, scale=2.0).shape == x.shape
    assert attr.NoiseTunnel(Taken(mlp())).multiplies_by_inputs
    with pytest.raises(AttributeError, match="__wrapped__"):
        captum.NoiseTunnel(type("Theirs", (captum.Attribution,), {"attribute": Twice.attribute})(mlp())).attribute(x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_epsilon_rule(dtype: torch.dtype) -> None:
    for net, x in ((mlp(3, dtype), points(3, 0, dtype)), (cnn(dtype), images(3, 0, dtype))):
        found, expected = (
            room.LRP(net).attribute(x, target=[1, 0, 2], return_convergence_delta=True) for room in (attr, captum)
        )
        for mine, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(
                mine, theirs.detach(), rtol=1e-5, atol=1e-5 * float(expected[0].detach().abs().max())
            )


RULES = [("EpsilonRule", (0.3,)), ("GammaRule", ()), ("GammaRule", (0.5, True)), ("Alpha1_Beta0_Rule", ()),
         ("Alpha1_Beta0_Rule", (True,))]  # fmt: skip


@pytest.mark.parametrize(("name", "knobs"), RULES)
def test_rules_that_modules_have(name: str, knobs: tuple[Any, ...]) -> None:
    found, expected = (
        rules_on(net_of(module, name, knobs), room) for room, module in ((attr, lrp_rules), (captum, captums_rules))
    )
    torch.testing.assert_close(found, expected.detach(), rtol=1e-6, atol=1e-9)


def net_of(module: Any, name: str, knobs: tuple[Any, ...]) -> nn.Module:
    """The network with the rule on its second and third layers."""
    net = mlp(3, torch.float64)
    for layer in (net.lin2, net.lin3):
        layer.rule = getattr(module, name)(*knobs)
    return net


def rules_on(net: nn.Module, room: Any) -> Tensor:
    return room.LRP(net).attribute(points(3, 0, torch.float64), target=1)


def test_other_rules() -> None:
    net = mlp(3, torch.float64)
    net.lin2.rule = Epsilon(0.3)
    native = rules_on(net, attr)
    net.lin2.rule = lrp_rules.EpsilonRule(0.3)
    close(native, rules_on(net, attr))
    net.lin2.rule = "gamma"
    with pytest.raises(MethodError, match="module 'lin2' has the rule 'gamma'"):
        attr.LRP(net)


def test_functions_and_layers_used_twice() -> None:
    """Captum's hooks see neither; ours hang on what the network calls."""

    class Reused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp(3, torch.float64)
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            h = self.relu(self.net.lin2(torch.relu(self.net.lin1(x))))
            return self.net.lin3(self.relu(h + 0))

    x, x0 = points(3, 0, torch.float64), points(1, 1, torch.float64)
    for name, more in (("DeepLift", (x0,)), ("LRP", ()), ("GuidedBackprop", ())):
        found, expected = (
            getattr(attr, name)(net).attribute(x, *more, target=1) for net in (Reused(), mlp(3, x.dtype))
        )
        # The sum h + 0 takes its own epsilon of relevance.
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)


def test_random_gradients_of_layers_and_neurons() -> None:
    """Behind a linear map the layer's own path is that of the inputs; of neurons, within the spread of runs."""
    net, x, rows = mlp(3, torch.float64), points(2, 0, torch.float64), points(6, 1, torch.float64)
    found = attr.NeuronGradientShap(net, net.lin2).attribute(x, 3, rows, n_samples=300)
    layer = attr.LayerGradientShap(net, net.lin1).attribute(
        x, rows, n_samples=300, target=1, return_convergence_delta=True
    )
    assert layer[1].shape == (600,)
    assert layer[1].abs().max() < 1e-9
    with torch.random.fork_rng():
        torch.manual_seed(0)
        neuron = captum.NeuronGradientShap(net, net.lin2)
        theirs = torch.stack([neuron.attribute(x, 3, rows, n_samples=300).detach() for _ in range(12)])
        at_layer = captum.LayerGradientShap(net, net.lin1)
        layers = torch.stack([at_layer.attribute(x, rows, n_samples=300, target=1).detach() for _ in range(12)])
    for mine, runs in ((found, theirs), (layer[0], layers)):
        # The spread of a run is known from twelve of them to a fifth.
        assert ((mine - runs.mean(0)).abs() <= 4 * 1.3 * runs.std(0) + 1e-9).all()
    local = attr.NeuronGradientShap(net, net.lin2, multiply_by_inputs=False).attribute(x, 3, rows, n_samples=1)
    assert local.shape == x.shape
