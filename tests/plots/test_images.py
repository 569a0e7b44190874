"""Images: one number a pixel, whatever the form of the values; what is drawn is what was found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ascribe.core.explain import explain
from ascribe.errors import InputError
from ascribe.methods.ablation import Ablation
from ascribe.methods.grad_cam import GradCAM
from ascribe.methods.input_x_gradient import InputXGradient
from ascribe.plots import image
from ascribe.plots.pixels import attribution_map, eight_bits, fitted
from ascribe.plots.strength import chosen, reach, relative

SEGMENTS = (torch.arange(12)[:, None] // 4 * 3 + torch.arange(9) // 3).expand(3, 12, 9)


def score(x):
    return (x * torch.linspace(-1, 1, x[0].numel()).reshape(x.shape[1:]).to(x)).flatten(1).sum(1)


@pytest.fixture
def x():
    return torch.rand(2, 3, 12, 9)


@pytest.fixture
def attribution(x):
    return explain(score, x, InputXGradient())


def shown(ax):
    return np.asarray(ax.images[-1].get_array(), dtype=float)


def test_channels_are_added_up(attribution):
    expected = attribution.values[1].sum(0).double()
    np.testing.assert_allclose(shown(image(attribution, 1)), expected, rtol=1e-4, atol=1e-6)


def test_channels_may_be_last(attribution, x):
    last = replace(attribution, values=attribution.values.permute(0, 2, 3, 1), inputs=x.permute(0, 2, 3, 1))
    np.testing.assert_allclose(shown(image(last, 1)), shown(image(attribution, 1)))
    np.testing.assert_array_equal(*(plot.images[0].get_array() for plot in (image(last, 1), image(attribution, 1))))


@pytest.mark.parametrize("ids", [SEGMENTS, SEGMENTS[0], SEGMENTS.numpy()], ids=["entries", "pixels", "array"])
def test_a_superpixel_is_drawn_with_its_value(x, ids):
    a = explain(score, x, Ablation(), groups=SEGMENTS)
    heat = shown(image(a, 0, segments=ids))
    for number in range(9):
        here = (SEGMENTS[0] == number).numpy()
        np.testing.assert_allclose(heat[here], float(a.values[0, number]), rtol=1e-6)


def test_segments_may_differ_between_rows(x):
    ids = torch.stack([SEGMENTS[0], SEGMENTS[0].flip(1)])
    a = explain(score, x, Ablation(), groups=ids[:, None])
    for row in (0, 1):
        heat = attribution_map(a, row, ids)
        for number in range(9):
            expected = explain(score, x, Ablation(), groups=ids[row] == number).values[
                row, -1 if number != ids[row, 0, 0] else 0
            ]
            np.testing.assert_allclose(heat[ids[row].numpy() == number], float(expected), rtol=1e-4, atol=1e-6)


def test_segments_of_one_channel_each_add_up(x):
    a = explain(score, x, Ablation(), groups=SEGMENTS + 9 * torch.arange(3)[:, None, None])
    heat = attribution_map(a, 0, SEGMENTS + 9 * torch.arange(3)[:, None, None])
    assert heat[0, 0] == pytest.approx(float(a.values[0, [0, 9, 18]].sum()), rel=1e-5)


def test_values_that_are_no_image_say_what_is_missing(x, attribution):
    a = explain(score, x, Ablation(), groups=SEGMENTS)
    with pytest.raises(InputError, match="pass segments="):
        image(a)
    with pytest.raises(InputError, match="segments name 12 groups, but the values of a row have shape"):
        image(a, segments=torch.arange(12).reshape(4, 3))
    with pytest.raises(InputError, match="row=2, but 2 rows"):
        image(attribution, 2)
    with pytest.raises(InputError, match="this picture shows one input, and 2 were explained"):
        image(replace(attribution, values=(attribution.values, attribution.values)))


def test_a_layer_and_a_coarse_map_lie_over_the_whole_image(x):
    net = nn.Sequential(nn.Conv2d(3, 5, 3, stride=3), nn.Tanh(), nn.Flatten(), nn.Linear(60, 1))
    a = explain(net, x, InputXGradient(), at="0")
    ax = image(a, 0, original=x[0])
    assert shown(ax).shape == (12, 9)
    np.testing.assert_allclose(shown(image(a, 0)), a.values[0].sum(0), rtol=1e-5)
    mapped = replace(a, values=torch.rand(2, 1, 4, 3), inputs=x, method=GradCAM())
    assert shown(image(mapped)).shape == (12, 9)


def test_the_value_of_a_layer_is_not_taken_for_an_image(x):
    net = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(324, 1))
    a = explain(net, x, InputXGradient(), at="0")
    assert len(image(a, 0).images) == 1
    assert "<img" not in a._repr_html_()
    assert len(image(a, 0, original=x[0]).images) == 2


def test_a_coarse_map_is_linear_between_the_middles_of_its_cells():
    fine = fitted(np.array([[0.0, 1.0]]), (2, 4))
    np.testing.assert_allclose(fine, [[0.0, 0.25, 0.75, 1.0]] * 2)


@pytest.mark.parametrize(("sign", "expected"), [("positive", [0, 3]), ("negative", [2, 0]), ("absolute", [2, 3])])
def test_signs(attribution, sign, expected):
    values = torch.zeros(2, 12, 9)
    values[:, 0, :2] = torch.tensor([-2.0, 3.0])
    a = replace(attribution, values=values)
    ax = image(a, sign=sign, style="heat", outliers=0)
    assert shown(ax)[0, :2].tolist() == expected
    assert ax.images[-1].get_clim() == (0, 3 if sign != "negative" else 2)


def test_the_scale_is_the_attributions_own(attribution):
    assert image(attribution, full=0.5).images[-1].get_clim() == (-0.5, 0.5)
    largest = float(attribution.values[0].sum(0).abs().max())
    assert image(attribution, outliers=0).images[-1].get_clim() == pytest.approx((-largest, largest))
    assert image(attribution, outliers=50).images[-1].get_clim()[1] < largest
    with pytest.raises(InputError, match="full=0"):
        image(attribution, full=0)
    with pytest.raises(InputError, match="outliers=101"):
        image(attribution, outliers=101)


@pytest.mark.parametrize("style", ["heat", "blended", "masked", "alpha", "original"])
def test_nothing_at_all_is_drawn_as_nothing(attribution, style):
    ax = image(replace(attribution, values=torch.zeros(2, 3, 12, 9)), style=style, sign="positive")
    drawn = np.asarray(ax.images[-1].get_array())
    if style != "original":
        assert (drawn[..., -1] if style == "alpha" else drawn).max() == 0
        assert "nothing to see" in ax.get_xlabel()


def test_masks_show_the_image_where_the_attribution_is(attribution, x):
    values = torch.zeros(2, 12, 9)
    values[:, 3, 4] = 1.0
    a = replace(attribution, values=values)
    pixels = eight_bits(x[0].permute(1, 2, 0).numpy())
    masked, alpha = (shown(image(a, style=style, sign="positive")) for style in ("masked", "alpha"))
    assert (masked[3, 4] == pixels[3, 4]).all()
    assert masked.sum() == pixels[3, 4].sum()
    np.testing.assert_array_equal(alpha[..., :3], pixels)
    assert alpha[..., 3].sum() == alpha[3, 4, 3] == 255


def test_wrong_styles_and_signs_say_what_to_pass(attribution):
    for wrong, message in (
        ({"style": "masked"}, "cannot show both signs"),
        ({"sign": "both"}, "pass one of 'all'"),
        ({"style": "veil"}, "pass one of 'heat'"),
    ):
        with pytest.raises(InputError, match=message):
            image(attribution, **wrong)
    with pytest.raises(InputError, match="pass original="):
        image(replace(attribution, inputs=torch.zeros(2, 5)), style="original")


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]]), [0, 127, 255]),
        (np.array([[0, 7, 255]], dtype=np.uint8), [0, 7, 255]),
        (np.array([[0, 1, 1]], dtype=np.uint8), [0, 1, 1]),
        (np.array([[False, True]]), [0, 255]),
        (np.array([[0.0, 128.0, 255.0]]), [0, 128, 255]),
        (np.array([[-2.0, 0.0, 2.0]]), [0, 127, 255]),
        (np.array([[0, 65535]]), [0, 255]),
        (np.array([[-1.0, -1.0]]), [127, 127]),
        (np.array([[0.0, np.nan, 1.0]]), [0, 0, 255]),
    ],
)
def test_images_of_any_range_are_read(pixels, expected):
    found = eight_bits(pixels)
    assert found.shape == (*pixels.shape, 3)
    assert found[0].tolist() == [[e] * 3 for e in expected]


def test_what_is_no_image_says_so():
    with pytest.raises(InputError, match=r"an image has shape \(4, 4, 2\)"):
        eight_bits(np.zeros((4, 4, 2)))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0, 100))
def test_the_reach_is_the_share_that_is_left(sizes, outliers):
    values = np.array(sizes)
    full = reach(values, outliers)
    inside = np.abs(values)[np.abs(values) <= full].sum()
    assert inside >= np.abs(values).sum() * (1 - outliers / 100) * (1 - 1e-9) - 1e-9
    assert np.abs(relative(values, full)).max() <= 1
    assert full == 0 or (np.abs(values) == full).any()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=10))
def test_the_two_signs_are_parts_of_the_whole(sizes):
    values = np.array(sizes)
    np.testing.assert_array_equal(chosen(values, "positive") - chosen(values, "negative"), values)
    np.testing.assert_array_equal(chosen(values, "positive") + chosen(values, "negative"), chosen(values, "absolute"))
