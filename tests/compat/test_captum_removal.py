"""Classes that take features away equal Captum's, in all shapes of functions, outputs and masks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import captum.attr as captum
import pytest
import torch
from torch import Tensor

from ascribe.compat.captum import attr
from ascribe.errors import InputError, MethodError
from compat.captum_door import captums_warnings_aside, close
from networks.bag import bag, words
from networks.cnn import cnn, images
from networks.mlp import mlp, points

DTYPES = [torch.float32, torch.float64]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with captums_warnings_aside():
        yield


def both(name: str, model: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """What ours and what Captum's gives."""
    found, expected = (getattr(room, name)(model).attribute(*args, **kwargs) for room in (attr, captum))
    return found, expected


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("name", ["FeatureAblation", "ShapleyValues"])
@pytest.mark.parametrize("target", [None, 1], ids=["all outputs", "one output"])
def test_outputs_of_every_row(name: str, target: int | None, rows: int) -> None:
    """(rows * outputs, ...) from ablation and (rows, outputs, ...) from Shapley values, as Captum has them."""
    mask = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 3]])
    close(*both(name, mlp(), points(rows), points(1, 1), target=target, feature_mask=mask))


@pytest.mark.parametrize("name", ["FeatureAblation", "ShapleyValues"])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("rows", [1, 4])
def test_numbers_for_the_whole_batch(name: str, outputs: int, rows: int) -> None:
    net = mlp()
    mask = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 3]])

    def whole(x: Tensor) -> Tensor:
        found = net(x).square().mean(0)
        return found if outputs == 3 else found.sum()

    close(*both(name, whole, points(rows), points(1, 1), feature_mask=mask))
    if name == "FeatureAblation":
        close(*both(name, whole, (points(rows),), (points(1, 1),), feature_mask=(mask,)))
        close(*both(name, lambda x: float(whole(x).sum()), points(rows)))


def test_masks_join_features_of_several_inputs() -> None:
    net = mlp()

    def summed(a: Tensor, b: Tensor) -> Tensor:
        return net(torch.cat([a, b], 1))

    x = points(5)
    masks = (torch.tensor([[0, 0, 1]]), torch.tensor([[1, 2, 2, 3, 3]]))
    close(*both("FeatureAblation", summed, (x[:, :3], x[:, 3:]), (0.5, points(1, 1)[:, 3:]), 2, feature_mask=masks))


def test_one_input_may_be_a_tuple_and_its_mask_not() -> None:
    """As Captum's `sensitivity_max` asks."""
    mask, x, x0 = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 3]]), points(5), points(1, 1)
    found, expected = both("FeatureAblation", mlp(), (x,), x0, 1, feature_mask=mask)
    close(found, expected)
    close(attr.FeatureAblation(mlp()).attribute(x, (x0,), 1, feature_mask=(mask,)), found[0])
    close(*both("InputXGradient", mlp(), (x,), 1))


def test_masks_of_each_row() -> None:
    mask = torch.randint(0, 4, (5, 8), generator=torch.Generator().manual_seed(0))
    close(*both("FeatureAblation", mlp(), points(5), points(5, 1), [0, 1, 2, 0, 1], feature_mask=mask))


def test_token_ids_are_replaced() -> None:
    ids, numbers = words(4)
    found, expected = both("FeatureAblation", bag(), (ids, numbers), (11, 0.0), 1)
    close(found, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_occlusion(dtype: torch.dtype) -> None:
    """Captum's is always in float32; ours has the dtype of the output."""
    x = images(3, dtype=dtype)
    for window, strides in (((2, 3, 3), 2), ((2, 2, 2), (2, 2, 1)), ((2, 8, 3), None)):
        found, expected = both("Occlusion", cnn(dtype), x, window, strides, target=1)
        close(found, expected.to(dtype) if dtype == torch.float32 else found)
        torch.testing.assert_close(found, expected.to(dtype), rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_occlusion_of_several_inputs() -> None:
    net = mlp()

    def summed(a: Tensor, b: Tensor) -> Tensor:
        return net(torch.cat([a, b.flatten(1)], 1))

    x = points(5)
    given = (x[:, :2], x[:, 2:].reshape(5, 2, 3))
    close(*both("Occlusion", summed, given, ((1,), (1, 2)), (1, (1, 2)), target=0))


def test_permutation_by_a_function() -> None:
    def turned(x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, x.roll(1, 0), x)

    mask = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 3]])
    for kwargs in ({"target": 1}, {"target": 1, "feature_mask": mask}):
        found, expected = (
            room.FeaturePermutation(mlp(), turned).attribute(points(5), **kwargs) for room in (attr, captum)
        )
        close(found, expected)


def test_permutation_by_chance() -> None:
    """Every value is what some other row's feature does: the only one there is for two rows, where Captum turns."""
    x = points(2)
    found = attr.FeaturePermutation(mlp()).attribute(x, target=1)
    turned = attr.FeaturePermutation(mlp(), lambda x, mask: torch.where(mask, x.flip(0), x)).attribute(x, target=1)
    assert ((found.abs() < 1e-6) | torch.isclose(found, turned)).all()


@pytest.mark.parametrize("at_input", [False, True])
def test_layers(at_input: bool) -> None:
    net, x = mlp(), points(4)
    size = 20 if at_input else 10
    mask = torch.arange(size)[None] // 3
    for kwargs in (
        {},
        {"layer_baselines": 0.3},
        {"layer_baselines": torch.randn(1, size, generator=torch.Generator().manual_seed(0))},
        {"layer_mask": mask},
    ):
        found, expected = (
            room.LayerFeatureAblation(net, net.lin2).attribute(x, target=1, attribute_to_layer_input=at_input, **kwargs)
            for room in (attr, captum)
        )
        close(found, expected)


def test_a_layer_is_permuted_once_and_its_target_picked_once() -> None:
    """Captum's class picks the target twice and fails for every network with several outputs."""
    net, x = mlp(), points(2)
    with pytest.raises(AssertionError):
        captum.LayerFeaturePermutation(net, net.lin2).attribute(x, target=1)
    found = attr.LayerFeaturePermutation(net, net.lin2).attribute(x, target=1)
    with torch.no_grad():
        h, turned = net.lin2(net.relu1(net.lin1(x))), net.lin2(net.relu1(net.lin1(x.flip(0))))
        rest = lambda h: net.lin3(net.relu2(h))[:, 1]  # noqa: E731
        for neuron in range(10):
            other = torch.where(torch.arange(10) == neuron, turned, h)
            lost = rest(h) - rest(other)
            assert torch.allclose(found[:, neuron], lost, atol=1e-6) or (found[:, neuron].abs() < 1e-6).all()


def test_neurons() -> None:
    net, x = mlp(), points(4)
    mask = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 3]])
    for selector in (3, (3,), (slice(2, 7, 2),), lambda h: h[:, :3].sum(1)):
        for at_input in (False, True):
            found, expected = (
                room.NeuronFeatureAblation(net, net.lin2).attribute(
                    x, selector, points(1, 1), feature_mask=mask, attribute_to_neuron_input=at_input
                )
                for room in (attr, captum)
            )
            close(found, expected)


def future_of(function: Any) -> Any:
    def later(*arguments: Any) -> torch.futures.Future[Any]:
        future = torch.futures.Future[Any]()
        future.set_result(function(*arguments))
        return future

    return later


@pytest.mark.parametrize("name", ["FeatureAblation", "FeaturePermutation", "ShapleyValueSampling", "ShapleyValues"])
def test_futures(name: str) -> None:
    net, x, mask = mlp(), points(3), torch.tensor([[0, 0, 1, 1, 2, 2, 3, 3]])
    future = getattr(attr, name)(future_of(net)).attribute_future(x, target=1, feature_mask=mask)
    assert isinstance(future, torch.futures.Future)
    torch.testing.assert_close(future.wait(), getattr(attr, name)(net).attribute(x, target=1, feature_mask=mask))
    with pytest.raises(MethodError, match=r"torch\.futures\.Future"):
        getattr(attr, name)(net).attribute_future(x, target=1)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(InputError, match=r"pass \(1, 8\)"):
        attr.FeatureAblation(mlp()).attribute(points(5), target=1, feature_mask=torch.tensor([[0, 1]]))
    with pytest.raises(MethodError, match="window"):
        attr.Occlusion(mlp()).attribute(points(5), (9,), target=1)


def metric(x: Tensor, y: Tensor) -> tuple[torch.utils.data.DataLoader[Any], Any, Any]:
    """A data set in batches, and its mean squared error, gathered batch by batch."""

    def reduce(state: Any, output: Tensor, batch: tuple[Tensor, ...]) -> Any:
        lost, count = state or (0.0, 0)
        return lost + (output.detach()[:, 0] - batch[-1]).square().sum(), count + len(output)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=4)
    return loader, reduce, lambda state: state[0] / state[1]


@pytest.mark.parametrize("in_shape", [False, True])
@pytest.mark.parametrize("mask", [None, torch.tensor([[0, 0, 1, 1, 2, 2, 4, 4]])], ids=["entries", "mask"])
def test_a_metric_of_a_whole_data_set(mask: Tensor | None, in_shape: bool) -> None:
    net, x = mlp(1), points(11)
    loader, reduce, to_metric = metric(x, points(11, 2)[:, 0])
    found, expected = (
        room.DataLoaderAttribution(room.FeatureAblation(net)).attribute(
            loader,
            input_roles=(0, 2),
            baselines=points(1, 1),
            feature_mask=mask,
            reduce=reduce,
            to_metric=to_metric,
            return_input_shape=in_shape,
        )
        for room in (attr, captum)
    )
    close(found, expected)


def test_a_data_set_without_a_metric() -> None:
    """The outputs of all rows, one behind the other, are explained by features that all rows lose together."""
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(points(6)), batch_size=4)
    found, expected = (
        room.DataLoaderAttribution(room.FeatureAblation(mlp(1))).attribute(loader) for room in (attr, captum)
    )
    close(found, expected)
    # Of batches that are one tensor Captum takes the first row for the input; here they are what they are.
    lone = torch.utils.data.DataLoader(points(6), batch_size=4)
    close(attr.DataLoaderAttribution(attr.FeatureAblation(mlp(1))).attribute(lone), found[0])
    with pytest.raises(MethodError, match="takes FeatureAblation"):
        attr.DataLoaderAttribution(attr.Occlusion(mlp(1)))
