"""Lime and KernelShap: the user's functions as Captum asks them, and its defaults at the same samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import captum.attr as captum
import numpy as np
import pytest
import torch
from captum._utils.models import linear_model as captums_models
from captum.attr._core import lime as captums_lime
from torch import Tensor

from ascribe.compat.captum import attr
from ascribe.compat.captum._utils.models import linear_model as models
from ascribe.compat.captum.attr._core import lime
from ascribe.errors import InputError, MethodError, TargetError
from compat.captum_door import captums_warnings_aside, close
from networks.mlp import mlp, points

MASK = torch.tensor([[1, 1, 2, 2, 3, 3, 5, 5]])


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with captums_warnings_aside():
        yield


def every_coalition(original: Any, **keywords: Any) -> Iterator[Tensor]:
    """All coalitions of the features in turn, so that chance plays no part."""
    count = keywords["num_interp_features"]
    for number in range(2**count):
        yield torch.tensor([[number >> k & 1 for k in range(count)]])


def near(found: Any, expected: Any) -> None:
    """Captum works and answers in float32."""
    for mine, theirs in zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]:
        torch.testing.assert_close(mine.float(), theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("in_shape", [False, True])
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", ["SkLearnLasso", "SkLearnRidge", "SkLearnLinearRegression"])
def test_models_and_samples_of_the_users(name: str, rows: int, in_shape: bool) -> None:
    options = {} if name == "SkLearnLinearRegression" else {"alpha": 0.01}
    found, expected = (
        room.Lime(
            mlp(),
            interpretable_model=getattr(kinds, name)(**options),
            similarity_func=kernels.get_exp_kernel_similarity_function("euclidean", 2.0),
            perturb_func=every_coalition,
        ).attribute(
            points(rows),
            points(1, 1),
            target=1,
            feature_mask=MASK,
            n_samples=32,
            perturbations_per_eval=5,
            return_input_shape=in_shape,
        )
        for room, kinds, kernels in ((attr, models, lime), (captum, captums_models, captums_lime))
    )
    assert found.shape == expected.shape
    near(found, expected)


def test_several_inputs() -> None:
    net = mlp()

    def summed(a: Tensor, b: Tensor) -> Tensor:
        return net(torch.cat([a, b], 1))

    x = points(2)
    given = (x[:, :3], x[:, 3:])
    masks = (torch.tensor([[0, 0, 1]]), torch.tensor([[1, 2, 2, 3, 3]]))
    found, expected = (
        room.Lime(summed, kinds.SkLearnLinearRegression(), perturb_func=every_coalition).attribute(
            given, (0.5, points(1, 1)[:, 3:]), target=[2, 0], feature_mask=masks, n_samples=16
        )
        for room, kinds in ((attr, models), (captum, captums_models))
    )
    near(found, expected)


def test_the_default_is_near_captums_where_its_draws_are_many() -> None:
    x = points(1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = captum.Lime(mlp()).attribute(
            x, target=1, feature_mask=MASK, n_samples=4000, perturbations_per_eval=200
        )
    found = attr.Lime(mlp()).attribute(x, target=1, feature_mask=MASK, n_samples=4000)
    # A coefficient of 4,000 samples is known to about the residual's spread over the square root of 1,000.
    assert (found - theirs).abs().max() < 0.02
    again = attr.Lime(mlp()).attribute(x.repeat(3, 1), target=1, feature_mask=MASK, n_samples=4000)
    close(again[2:], found)


@pytest.mark.parametrize("rows", [1, 3])
def test_kernel_shap_is_exact_with_as_many_samples_as_coalitions(rows: int) -> None:
    """With as many samples as coalitions it gives Shapley values."""
    x = points(rows)
    found = attr.KernelShap(mlp()).attribute(x, points(1, 1), target=1, feature_mask=MASK, n_samples=32)
    exact = attr.ShapleyValues(mlp()).attribute(x, points(1, 1), target=1, feature_mask=MASK)
    torch.testing.assert_close(found, exact, rtol=1e-5, atol=1e-5 * float(exact.abs().max()))
    by_feature = attr.KernelShap(mlp()).attribute(
        x, points(1, 1), target=1, feature_mask=MASK, n_samples=32, return_input_shape=False
    )
    # Features are numbered from the smallest in the mask; nothing has number 3 here.
    assert by_feature.shape == (rows, 5)
    close(by_feature, exact[:, [0, 2, 4, 0, 6]] * torch.tensor([1.0, 1, 1, 0, 1]))


def test_one_number_for_the_whole_batch() -> None:
    net = mlp(1)
    x = points(3)
    found = attr.KernelShap(lambda x: net(x).sum()).attribute(x, points(1, 1), feature_mask=MASK, n_samples=32)
    exact = attr.ShapleyValues(lambda x: net(x).sum()).attribute(x, points(1, 1), feature_mask=MASK)
    assert found.shape == (1, 8)
    torch.testing.assert_close(found, exact, rtol=1e-5, atol=1e-5 * float(exact.abs().max()))


@pytest.mark.parametrize("inside", [False, True])
def test_the_base_asks_the_users_functions(inside: bool) -> None:
    def nearby(inputs: Tensor, **keywords: Any) -> Iterator[Tensor]:
        generator = np.random.default_rng(keywords["seed"])
        while True:
            yield inputs + torch.from_numpy(generator.normal(size=inputs.shape)).float()

    def alike(inputs: Tensor, changed: Tensor, sample: Tensor, **keywords: Any) -> Tensor:
        return torch.exp(-(inputs - changed).square().sum() / 20)

    def same(sample: Tensor, inputs: Tensor, **keywords: Any) -> Tensor:
        return sample

    found, expected = (
        room.LimeBase(
            mlp(),
            kinds.SkLearnRidge(alpha=0.1),
            alike,
            nearby,
            inside,
            same if inside else None,
            None if inside else same,
        ).attribute(points(1), target=2, n_samples=40, perturbations_per_eval=7, seed=3)
        for room, kinds in ((attr, models), (captum, captums_models))
    )
    near(found, expected)
    with pytest.raises(MethodError, match="interp_rep_transform"):
        attr.LimeBase(mlp(), models.SkLearnRidge(), alike, nearby, inside, None, None)


def test_models_say_what_they_learned() -> None:
    x = points(20)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x[:, 0] > 0, torch.ones(20)), batch_size=6)
    found, expected = (module.SkLearnLogisticRegression() for module in (models.model, captums_models.model))
    with pytest.raises(MethodError, match="call fit"):
        found.representation()
    for model in (found, expected):
        model.fit(loader)
    near(found.representation(), expected.representation())
    near(found.bias(), expected.bias())
    near(found(x).detach(), expected(x).detach())
    assert found.classes().tolist() == expected.classes().tolist()


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(TargetError, match="target was not given"):
        attr.Lime(mlp()).attribute(points(2))
    with pytest.raises(InputError, match="one number for each"):
        attr.Lime(mlp(), models.SkLearnRidge()).attribute(points(1))
    with pytest.raises(MethodError, match="distance_mode"):
        lime.get_exp_kernel_similarity_function("manhattan")
