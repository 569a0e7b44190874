"""Classes that differentiate, at inputs, layers and neurons: equal to Captum where that is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import captum.attr as captum
import pytest
import torch
from torch import Tensor, nn

from ascribe.compat.captum import attr
from ascribe.errors import MethodError
from compat.captum_door import captums_warnings_aside, close
from networks.bag import bag, words
from networks.cnn import cnn, images
from networks.lstm import lstm, sequences
from networks.mlp import mlp, points

DTYPES = [torch.float32, torch.float64]
TARGET = [1, 0, 1]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with captums_warnings_aside():
        yield


def network(name: str, dtype: torch.dtype) -> tuple[nn.Module, nn.Module, Tensor, Tensor]:
    """A network, a layer of it, three rows, and one baseline."""
    if name == "mlp":
        net = mlp(3, dtype)
        return net, net.lin2, points(3, 0, dtype), points(1, 1, dtype)
    if name == "cnn":
        net = cnn(dtype)
        return net, net.conv2, images(3, 0, dtype), images(1, 1, dtype)
    net = lstm(dtype)
    return net, net.head, sequences(3, 0, dtype), sequences(1, 1, dtype)


def both(name: str, built: tuple[Any, ...], asked: tuple[Any, ...], **kwargs: Any) -> tuple[Any, Any]:
    found, expected = (getattr(room, name)(*built).attribute(*asked, **kwargs) for room in (attr, captum))
    return found, expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["mlp", "cnn", "lstm"])
def test_at_the_input(kind: str, dtype: torch.dtype) -> None:
    net, _, x, x0 = network(kind, dtype)
    for name in ("Saliency", "InputXGradient", "GuidedBackprop", "Deconvolution"):
        close(*both(name, (net,), (x,), target=TARGET))
    close(*both("Saliency", (net,), (x, 1, False)))
    near(*both("IntegratedGradients", (net,), (x, x0), target=TARGET, n_steps=8, return_convergence_delta=True))
    near(*both("IntegratedGradients", (net, False), (x, x0), target=TARGET, n_steps=8))


def near(found: Any, expected: Any) -> None:
    """As `close`, but in float64 to what Captum's weights and nodes in float32 are worth."""
    if isinstance(expected, (tuple, list)):
        for mine, theirs in zip(found, expected, strict=True):
            near(mine, theirs)
        return
    assert found.dtype == expected.dtype
    torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "dtype"), [("mlp", torch.float32), ("cnn", torch.float64)])
def test_deep_lift(kind: str, dtype: torch.dtype) -> None:
    """Without the LSTM, of which Captum takes the plain gradient, and max pooling, which has several complete rules."""
    net, layer, x, x0 = network(kind, dtype)
    if kind == "cnn":
        net.pool1 = nn.AvgPool2d(2)
    more = torch.cat([x0, x.flip(0)])
    for times in (True, False):
        built = (net, times)
        near(*both("DeepLift", built, (x, x0), target=TARGET, return_convergence_delta=times))
        near(*both("DeepLiftShap", built, (x, more), target=TARGET, return_convergence_delta=True))
        near(*both("LayerDeepLift", (net, layer, times), (x, x0), target=TARGET, return_convergence_delta=times))
        near(*both("LayerDeepLiftShap", (net, layer, times), (x, more), target=TARGET))
        selector = 2 if kind == "mlp" else (2, 1, 0)
        near(*both("NeuronDeepLift", (net, layer, times), (x, selector, x0)))
        near(*both("NeuronDeepLiftShap", (net, layer, times), (x, selector, more)))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", ["DeepLift", "DeepLiftShap", "LayerDeepLift", "LayerDeepLiftShap"])
def test_what_a_user_makes_of_multipliers(name: str, count: int) -> None:
    net, layer, x, x0 = network("mlp", torch.float64)
    functions: dict[int, Callable[..., Any]] = {
        1: lambda m: tuple(part.square() for part in m),
        2: lambda m, x: tuple(p * q for p, q in zip(m, x, strict=True)),
        3: lambda m, x, x0: tuple(p * (q - r).abs() for p, q, r in zip(m, x, x0, strict=True)),
    }
    built = (net, layer) if name.startswith("Layer") else (net,)
    baselines = torch.cat([x0, x.flip(0)]) if name.endswith("Shap") else x0
    given = {"target": TARGET, "custom_attribution_func": functions[count], "return_convergence_delta": True}
    near(*both(name, built, (x, baselines), **given))


@pytest.mark.parametrize(
    ("kind", "at_input", "dtype"),
    [
        ("mlp", False, torch.float32),
        ("mlp", True, torch.float64),
        ("cnn", False, torch.float64),
        ("lstm", True, torch.float32),
    ],
)
def test_at_layers(kind: str, at_input: bool, dtype: torch.dtype) -> None:
    net, layer, x, x0 = network(kind, dtype)
    given = {"target": TARGET, "attribute_to_layer_input": at_input}
    steps = {"n_steps": 6, **given}
    close(*both("LayerActivation", (net, layer), (x,), attribute_to_layer_input=at_input))
    for times in (True, False):
        close(*both("LayerGradientXActivation", (net, layer, None, times), (x,), **given))
        near(*both("LayerIntegratedGradients", (net, layer, None, times), (x, x0), **steps))
    near(*both("LayerConductance", (net, layer), (x, x0), **steps, return_convergence_delta=True))
    near(*both("InternalInfluence", (net, layer), (x, x0), **steps))
    for relu in (False, True):
        for summed in (False, True):
            options = {"relu_attributions": relu, "attr_dim_summation": summed}
            close(*both("LayerGradCam", (net, layer), (x,), **given, **options))


def test_lists_of_layers() -> None:
    net, _, x, _ = network("mlp", torch.float64)
    layers = [net.lin1, net.relu2]
    close(*both("LayerActivation", (net, layers), (x,)))
    close(*both("LayerGradientXActivation", (net, layers), (x,), target=TARGET))
    near(*both("LayerLRP", (net, [net.lin1, net.lin3]), (x,), target=TARGET, return_convergence_delta=True))
    embedding = bag(torch.float64)
    ids, numbers = words(3, 0, torch.float64)
    found = attr.LayerIntegratedGradients(embedding, [embedding.embedding, embedding.lin]).attribute(
        (ids, numbers), target=TARGET, n_steps=5
    )
    assert isinstance(found, list)
    assert [part.shape for part in found] == [(3, 6, 4), (3, 5)]


@pytest.mark.parametrize(
    ("kind", "at_input", "dtype"),
    [
        ("mlp", False, torch.float32),
        ("mlp", True, torch.float64),
        ("cnn", False, torch.float64),
    ],
)
def test_of_neurons(kind: str, at_input: bool, dtype: torch.dtype) -> None:
    net, layer, x, x0 = network(kind, dtype)
    selectors: list[Any] = [(1, 0, 1), (slice(0, 2), 0, 1)] if kind == "cnn" else [1, (1,), (slice(0, 2),)]
    selectors.append((lambda h: h[:, 1, 0, 1]) if kind == "cnn" else lambda h: h[:, 1])
    for selector in selectors:
        given = {"attribute_to_neuron_input": at_input}
        for name in ("NeuronGradient", "NeuronGuidedBackprop", "NeuronDeconvolution"):
            close(*both(name, (net, layer), (x, selector), **given))
        for times in (True, False) if selector is selectors[0] else (True,):
            built = (net, layer, None, times)
            near(*both("NeuronIntegratedGradients", built, (x, selector, x0), n_steps=6, **given))
            # Of several neurons Captum multiplies the sum of the one gradients with the sum of the others.
            if not (isinstance(selector, tuple) and isinstance(selector[0], slice)):
                steps = {"n_steps": 6, "method": "gausslegendre", **given}
                near(*both("NeuronConductance", built, (x, selector, x0, TARGET), **steps))


def test_the_trapezoid_adds_up() -> None:
    """Captum's weights, which it takes by default for conductance of neurons, sum to (n - 1) / n and not to 1."""
    net, layer, x, x0 = network("mlp", torch.float64)
    found, expected = both("NeuronConductance", (net, layer), (x, 2, x0, TARGET), n_steps=6)
    near(found, expected * 6 / 5)


def test_conductance_of_several_neurons_is_that_of_each() -> None:
    net, layer, x, x0 = network("mlp", torch.float64)
    door = attr.NeuronConductance(net, layer)
    together = door.attribute(x, (slice(2, 5),), x0, TARGET)
    close(together, sum(door.attribute(x, index, x0, TARGET) for index in (2, 3, 4)))
    with pytest.raises(MethodError, match="does not pick one entry"):
        door.attribute(x, lambda h: h.sum(1), x0, TARGET)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_guided_grad_cam(mode: str) -> None:
    net, layer, x, _ = network("cnn", torch.float64)
    close(*both("GuidedGradCam", (net, layer), (x,), target=TARGET, interpolate_mode=mode))
    found, expected = both("LayerGradCam", (net, layer), (x,), target=TARGET)
    close(
        attr.LayerAttribution.interpolate(found, (8, 8), "bilinear"),
        captum.LayerAttribution.interpolate(expected, (8, 8), "bilinear"),
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_token_ids_at_their_embedding(dtype: torch.dtype) -> None:
    net, (ids, numbers) = bag(dtype), words(3, 0, dtype)
    baselines = (torch.full((1, 6), 11), 0.0)
    near(
        *both(
            "LayerIntegratedGradients",
            (net, net.embedding),
            (ids, baselines[0]),
            target=TARGET,
            additional_forward_args=numbers,
            n_steps=6,
            return_convergence_delta=True,
        )
    )
    given = {"target": TARGET, "additional_forward_args": (numbers,)}
    close(*both("LayerGradientXActivation", (net, net.embedding), (ids,), **given))
    # Captum has no gradient of ids; here they are explained at their embedding by themselves.
    found = attr.IntegratedGradients(net).attribute((ids, numbers), baselines, target=TARGET)
    assert [part.shape for part in found] == [(3, 6), (3, 2)]


def test_layers_behind_a_function() -> None:
    """The forward function may be any that runs the layer; it may also be the layer itself."""
    net, layer, x, x0 = network("mlp", torch.float64)

    def second(x: Tensor) -> Tensor:
        return net(x)[:, 1]

    near(*both("LayerConductance", (second, layer), (x, x0)))
    near(*both("NeuronGradient", (second, layer), (x, 3)))
    near(*both("LayerGradientXActivation", (net, net), (x,), target=1))


def test_one_number_a_row() -> None:
    def bent(x: Tensor, y: Tensor) -> Tensor:
        return x**3 * y[:, 0]

    given = (torch.tensor([1.0, 2.0, 3.0]), torch.tensor([[1.0, 5.0], [2.0, 6.0], [0.5, 1.0]]))
    near(*both("IntegratedGradients", (bent,), (given, (torch.ones(3), 0.0))))
    near(*both("FeatureAblation", (lambda x: x**2,), (given[0],)))


def test_unused_inputs_have_gradient_zero() -> None:
    """Captum fails there unless `grad_kwargs` says that it may not, and loses these in LayerConductance."""
    net, layer, x, _ = network("mlp", torch.float64)
    found = attr.Saliency(lambda a, b: net(a)).attribute((x, x), target=TARGET)
    assert (found[1] == 0).all()
    assert not (found[0] == 0).all()
    given = {"target": TARGET, "grad_kwargs": {"allow_unused": True, "materialize_grads": True}}
    assert attr.LayerConductance(net, layer).attribute(x, **given).shape == (3, 10)
    with pytest.raises(MethodError, match="create_graph"):
        attr.LayerConductance(net, layer).attribute(x, target=TARGET, grad_kwargs={"create_graph": True})


def test_deltas_are_computed_for_any_attributions() -> None:
    net, _, x, x0 = network("mlp", torch.float64)
    for values in (x, (x, 2 * x)):
        ends = (x, x) if isinstance(values, tuple) else x
        starts = (0.0, x0) if isinstance(values, tuple) else x0
        function = (lambda a, b: net(a + b)) if isinstance(values, tuple) else net
        found, expected = (
            room.IntegratedGradients(function).compute_convergence_delta(values, starts, ends, TARGET)
            for room in (attr, captum)
        )
        close(found, expected)


def test_targets_of_numpy() -> None:
    net, _, x, _ = network("mlp", torch.float64)
    numpy = pytest.importorskip("numpy")
    close(attr.Saliency(net).attribute(x, numpy.int64(1)), attr.Saliency(net).attribute(x, 1))
    close(attr.Saliency(net).attribute(x, numpy.array(TARGET)), attr.Saliency(net).attribute(x, TARGET))
