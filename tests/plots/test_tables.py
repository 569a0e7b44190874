"""Heat maps, scatter and series: every number stands where it belongs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from ascribe.core.explain import explain
from ascribe.errors import InputError
from ascribe.methods.ablation import Ablation
from ascribe.methods.input_x_gradient import InputXGradient
from ascribe.plots import heatmap, pairs, scatter, series, token_map
from ascribe.plots.levels import sixths

WEIGHT = torch.tensor([3.0, -1.0, 0.5, 0.0], dtype=torch.float64)


@pytest.fixture
def attribution():
    x = torch.randn(20, 4, dtype=torch.float64)
    return explain(lambda z: z @ WEIGHT, x, InputXGradient(), names=["one", "two", "three", "none"])


def texts(labels):
    return [label.get_text() for label in labels]


def drawn(ax):
    return np.asarray(ax.images[0].get_array())


def test_a_heat_map_has_a_column_a_row_by_output_and_a_line_a_feature(attribution):
    ax = heatmap(attribution)
    order = attribution.output.argsort()
    np.testing.assert_array_equal(drawn(ax), attribution.values[order].T)
    assert texts(ax.get_yticklabels()) == ["one", "two", "three", "none"]
    low, high = ax.images[0].get_clim()
    assert low == -high


def test_features_beyond_the_top_of_a_heat_map_are_added_up(attribution):
    ax = heatmap(attribution, top=1)
    order = attribution.output.argsort()
    np.testing.assert_allclose(drawn(ax)[1], attribution.values[order, 1:].sum(1))
    assert texts(ax.get_yticklabels()) == ["one", "3 others"]


def test_pairs_are_features_by_features(attribution):
    values = torch.randn(20, 4, 4, dtype=torch.float64)
    both = replace(attribution, values=values + values.transpose(1, 2))
    ax = pairs(both, 3)
    names = texts(ax.get_yticklabels())
    place = [both.names.index(name) for name in names]
    np.testing.assert_array_equal(drawn(ax), both.values[3][place][:, place])
    assert names == texts(ax.get_xticklabels())
    np.testing.assert_allclose(np.sort(drawn(pairs(both)).ravel()), np.sort(both.values.mean(0).ravel()))
    assert drawn(pairs(both, top=2)).shape == (2, 2)
    assert "the 2 strongest of 4 features" in pairs(both, top=2).get_xlabel()
    with pytest.raises(InputError, match="which are no pairs"):
        pairs(attribution)


def test_numbers_stand_in_cells_with_room_and_nothing_in_the_empty():
    values = np.array([[1.5, -0.25], [np.nan, 1e-9]])
    roomy = token_map(values, ["a", "b"], ["c", "d"])
    assert texts(roomy.texts) == ["1.5", "−0.2", "0"]
    crowded = token_map(np.ones((40, 40)), ["a"] * 40, ["b"] * 40, ax=Figure((2, 2)).add_subplot())
    assert not crowded.texts
    with pytest.raises(InputError, match="1 and 2 names came"):
        token_map(values, ["a"], ["c", "d"])


def test_scatter_stands_at_the_value_and_its_attribution(attribution):
    for feature in ("two", 1, -3):
        points = np.asarray(scatter(attribution, feature).collections[0].get_offsets())
        np.testing.assert_array_equal(points[:, 0], attribution.inputs[:, 1])
        np.testing.assert_array_equal(points[:, 1], attribution.values[:, 1])


def test_scatter_colours_by_another_feature(attribution):
    ax = scatter(attribution, "one", colour="two")
    clouds = [np.asarray(c.get_offsets()) for c in ax.collections if len(c.get_offsets())]
    assert sum(map(len, clouds)) == 20
    other = attribution.inputs[:, 1].numpy()
    low = [float(other[np.where(attribution.inputs[:, 0] == x)[0][0]]) for x, _ in clouds[0]]
    assert max(low) < np.median(other)


def test_scatter_of_what_is_not_there_says_so(attribution):
    with pytest.raises(InputError, match="did you mean 'three'"):
        scatter(attribution, "thre")
    with pytest.raises(InputError, match="there are 4"):
        scatter(attribution, 4)
    groups = explain(lambda z: z @ WEIGHT, attribution.inputs, Ablation(), groups={"a": [0, 1]})
    with pytest.raises(InputError, match="without groups="):
        scatter(groups, 0)


def test_sixths_go_by_rank():
    levels = sixths(np.array([1e9, 1.0, 2.0, 3.0, 4.0, 5.0]))
    assert levels.tolist() == [5, 0, 1, 2, 3, 4]
    assert len(set(sixths(np.ones(7)).tolist())) == 1


@pytest.mark.parametrize("channels", ["last", "first"])
def test_a_series_has_a_lane_a_channel_with_its_shades(channels):
    x = torch.randn(2, 6, 3)
    x = x if channels == "last" else x.transpose(1, 2)
    a = explain(lambda z: (z * z).flatten(1).sum(1), x, InputXGradient())
    ax = series(a, 1, channels=channels)
    values = a.values[1] if channels == "last" else a.values[1].T
    assert len(ax.lines) == 3
    for lane, (shades, line) in enumerate(zip(ax.collections, ax.lines, strict=True)):
        np.testing.assert_allclose(shades.get_array(), values[:, lane], rtol=1e-6)
        heights = line.get_ydata()
        assert lane < heights.min() < heights.max() < lane + 1
        own = (x[1] if channels == "last" else x[1].T)[:, lane].numpy()
        # axes run downwards: large values stand high
        assert (np.argsort(heights) == np.argsort(-own)).all()


def test_channels_keep_their_names():
    x = torch.randn(2, 6, 3)
    a = explain(lambda z: z.flatten(1).sum(1), x, InputXGradient(), names=["load", "price", "heat"])
    assert [text.split("\n")[0] for text in texts(series(a).get_yticklabels())] == ["load", "price", "heat"]


def test_a_series_of_layers_values_says_what_is_needed(attribution):
    with pytest.raises(InputError, match="a series needs one value"):
        series(replace(attribution, values=attribution.values[:, :2]))
