import numpy as np
import pytest
import torch
from captum import attr as captum
from hypothesis import given
from hypothesis import strategies as st

from ascribe.core.explain import explain
from ascribe.errors import MethodError
from ascribe.methods.ablation import Ablation
from ascribe.methods.occlusion import Occlusion
from reference.occlusion import occlusion


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def network(*layers, dtype=torch.float64, seed=0):
    net = torch.nn.Sequential(*layers).to(dtype)
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64).to(dtype) / 3
    return net


def convolutional(dtype=torch.float64):
    return network(
        torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(16, 3), dtype=dtype,
    )  # fmt: skip


def bent(z):
    return (z.tanh().flatten(1).cumprod(1).sum(1) + z.square().flatten(1).sum(1)).unsqueeze(1)


@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=2), data=st.data(), draws=st.integers(1, 2))
def test_the_definition(shape, data, draws):
    window = tuple(data.draw(st.integers(1, size)) for size in shape)
    strides = tuple(data.draw(st.integers(1, width)) for width in window)
    x, background = normal(2, *shape, seed=draws), normal(draws, *shape, seed=3)
    found = explain(bent, x, Occlusion(window, strides), background=background)
    expected = torch.stack([occlusion(bent, row, background, window, strides) for row in x])
    torch.testing.assert_close(found.values, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("window", "strides"), [((3, 4, 4), (3, 2, 3)), ((1, 3, 3), (1, 1, 2)), ((2, 5, 4), (1, 3, 4)), ((3, 11, 9), 9)]
)
def test_captum_on_images(window, strides, dtype):
    net, x = convolutional(dtype), normal(3, 3, 11, 9, dtype=dtype)
    found = explain(net, x, Occlusion(window, strides), target=1, baseline=0.3)
    expected = captum.Occlusion(net).attribute(x, window, strides=strides, target=1, baselines=0.3)
    assert found.values.dtype == dtype
    # Captum gives float32 whatever the input is.
    torch.testing.assert_close(found.values, expected.to(dtype), rtol=1e-5, atol=2e-7)


def test_captum_on_several_inputs():
    net = network(torch.nn.Linear(5 + 12, 1))
    a, b = normal(4, 5), normal(4, 3, 4, seed=1)

    def model(u, v):
        return net(torch.cat([u, v.flatten(1)], 1)).sin()

    windows, strides = ((2,), (2, 3)), ((2,), (1, 2))
    found = explain(model, (a, b), Occlusion(windows, strides), baseline=(0.5, -1.0))
    expected = captum.Occlusion(model).attribute((a, b), windows, strides=strides, baselines=(0.5, -1.0))
    for ours, theirs in zip(found.values, expected, strict=True):
        torch.testing.assert_close(ours.float(), theirs, rtol=1e-5, atol=2e-7)


def test_windows_of_one_entry_are_ablation():
    x, background = normal(3, 2, 3), normal(4, 2, 3, seed=1)
    found = explain(bent, x, Occlusion((1, 1)), background=background)
    torch.testing.assert_close(found.values, explain(bent, x, Ablation(), background=background).values)


def test_a_window_covers_the_dimensions_before_it_whole():
    x = normal(2, 3, 4, 4)
    short, long = (explain(bent, x, Occlusion(size)).values for size in ((2, 2), (3, 2, 2)))
    assert torch.equal(short, long)
    assert torch.equal(short[:, 0], short[:, 2])


def test_inside_a_network_and_for_every_output():
    net, x = convolutional(), normal(2, 3, 7, 7)
    inside = explain(net, x, Occlusion((2, 2), 2), at="0", target=1)
    assert inside.values.shape == (2, 4, 5, 5)
    every = explain(net, x, Occlusion((3, 3), 2), target="all")
    torch.testing.assert_close(every.values[1], explain(net, x, Occlusion((3, 3), 2), target=1).values)


def test_token_ids_are_covered_themselves():
    table = normal(7, 2)
    ids = torch.tensor([[1, 4, 6, 2]])
    found = explain(lambda tokens: table[tokens].sum((1, 2)), ids, Occlusion(2, 2))
    weight = table.sum(1)
    left, right = (float(weight[ids[0, k]].sum() - 2 * weight[0]) for k in (slice(0, 2), slice(2, 4)))
    torch.testing.assert_close(found.values, torch.tensor([[left, left, right, right]], dtype=found.values.dtype))


def test_the_network_sees_few_rows_at_a_time():
    seen = []
    x = torch.zeros(2, 3, 32, 32)
    explain(lambda z: seen.append(len(z)) or z.sum((1, 2, 3)), x, Occlusion((4, 4), 2), memory="1 MB")
    assert sum(seen) >= 2 * 15 * 15
    assert max(seen) <= 10**6 // (4 * 3 * 32 * 32)


def test_lists_and_numbers_of_numpy_are_sizes_too():
    x = normal(2, 3, 4)
    expected = explain(bent, x, Occlusion((2, 2), (1, 2))).values
    assert torch.equal(explain(bent, x, Occlusion([2, 2], [1, 2])).values, expected)
    assert torch.equal(explain(bent, x, Occlusion(tuple(np.array([2, 2])), (1, 2))).values, expected)


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"window": (5,)}, "does not fit"),
        ({"window": (2, 2)}, r"at most 1 sizes"),
        ({"window": 0}, "does not fit"),
        ({"window": 2, "strides": 3}, "leave gaps"),
        ({"window": (2,), "strides": (1, 1)}, "for each dimension"),
        ({"window": ((2,), (2,))}, "is for 2 inputs, but there are 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(knobs, says):
    with pytest.raises(MethodError, match=says):
        explain(bent, normal(2, 4), Occlusion(**knobs))
