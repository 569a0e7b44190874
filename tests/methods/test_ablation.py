import pytest
import torch
from captum import attr as captum
from hypothesis import given
from hypothesis import strategies as st

from ascribe.core.explain import explain
from ascribe.core.groups import patches
from ascribe.methods.ablation import Ablation
from reference.ablation import ablation


def network(features, generator):
    layer = torch.nn.Sequential(torch.nn.Linear(features, 7), torch.nn.Tanh(), torch.nn.Linear(7, 1)).double()
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return layer


@given(rows=st.integers(1, 4), features=st.integers(1, 5), draws=st.integers(1, 3))
def test_the_definition(rows, features, draws):
    generator = torch.Generator().manual_seed(rows + 10 * features + 100 * draws)
    net = network(features, generator)
    x = torch.randn(rows, features, generator=generator, dtype=torch.float64)
    background = torch.randn(draws, features, generator=generator, dtype=torch.float64)
    found = explain(net, x, Ablation(), background=background)
    expected = torch.stack([ablation(lambda z: net(z)[:, 0].detach(), row, background) for row in x])
    torch.testing.assert_close(found.values, expected)
    assert found.error is None


def test_groups_are_taken_away_together():
    x = torch.tensor([[2.0, 3.0, 5.0]])
    found = explain(
        lambda z: z[:, 0] * z[:, 1] + z[:, 2], x, Ablation(), groups={"both": [0, 1]}, names=["a", "b", "c"]
    )
    assert found.names == ("both", "c")
    assert found.values.tolist() == [[6.0, 5.0]]


def test_pixels_keep_the_shape_of_the_image():
    image = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = explain(lambda z: z.square().sum(dim=(1, 2, 3)), image, Ablation())
    torch.testing.assert_close(found.values, image.square())


def test_a_baseline_for_each_row():
    x, baseline = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 4.0]])
    found = explain(torch.nn.Flatten(), x, Ablation(), target=0, baseline=baseline)
    assert found.values.tolist() == [[0.0, 0.0], [3.0, 0.0]]


def test_every_target_has_its_own_rows():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    found = explain(torch.nn.Flatten(), x, Ablation(), target=[1, 0], background=torch.zeros(3, 2))
    assert found.values.tolist() == [[0.0, 2.0], [3.0, 0.0]]


def test_one_evaluation_a_player_and_background_row():
    x, background = torch.randn(20, 4), torch.randn(5, 4)
    seen = []
    explain(lambda z: seen.append(len(z)) or z.sum(dim=1), x, Ablation(), background=background, memory="4 KB")
    # The rest: the rows, the background, and the few rows by which the call learns shapes and bytes a row.
    assert 20 * 4 * 5 + 20 + 5 <= sum(seen) <= 20 * 4 * 5 + 20 + 5 + 6
    assert max(seen) <= 4096 // 32


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_captum_on_images_in_groups(dtype):
    net = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3), torch.nn.ReLU(), torch.nn.AdaptiveMaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(12, 4),
    ).to(dtype)  # fmt: skip
    generator = torch.Generator().manual_seed(1)
    for parameter in net.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=dtype)
    x, ids = torch.randn(3, 2, 8, 6, generator=generator, dtype=dtype), patches((8, 6), (3, 2))
    found = explain(net, x, Ablation(), target=[1, 3, 0], groups=ids, baseline=x.flip(0))
    expected = captum.FeatureAblation(net).attribute(
        x, baselines=x.flip(0), target=[1, 3, 0], feature_mask=ids.expand(1, 2, 8, 6), perturbations_per_eval=5
    )
    torch.testing.assert_close(found.values[:, ids], expected[:, 0], rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_captum_on_a_network_of_two_inputs(dtype):
    net = network(5, torch.Generator().manual_seed(2)).to(dtype)
    generator = torch.Generator().manual_seed(3)
    inputs = tuple(torch.randn(4, n, generator=generator, dtype=dtype) for n in (2, 3))

    def model(a, b):
        return net(torch.cat([a, b], 1))

    found = explain(model, inputs, Ablation(), baseline=(0.5, -1.0))
    expected = captum.FeatureAblation(model).attribute(inputs, baselines=(0.5, -1.0))
    for ours, theirs in zip(found.values, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=2e-6)
