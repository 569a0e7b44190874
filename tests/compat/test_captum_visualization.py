"""Captum's pictures: equal arrays on the axes where Captum's are right, and right ones where they are not."""

from __future__ import annotations

import importlib
import sys
import warnings
from types import ModuleType

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from captum.attr import visualization as peer
from matplotlib.figure import Figure

import ascribe.compat.captum.attr as attr
from ascribe.compat.captum.attr import visualization as ours
from ascribe.errors import InputError

METHODS = tuple(peer.ImageVisualizationMethod.__members__)
SIGNS = tuple(peer.VisualizeSign.__members__)


@pytest.fixture
def maps():
    return np.random.default_rng(0).normal(size=(6, 5, 3))


@pytest.fixture(params=["unit", "bytes"])
def picture(request):
    unit = np.random.default_rng(1).uniform(size=(6, 5, 3))
    return unit if request.param == "unit" else (255 * unit).astype(np.uint8)


def drawn(ax):
    return [np.asarray(image.get_array(), dtype=float) for image in ax.images]


def test_every_public_name_is_here():
    made = {
        name
        for name, thing in vars(peer).items()
        if name[0] != "_" and getattr(thing, "__module__", "") == peer.__name__
    }
    assert made == {name for name in vars(ours) if name in made}
    assert attr.visualization is ours
    private = importlib.import_module("ascribe.compat.captum.attr._utils.visualization")
    assert all(getattr(private, name) is getattr(ours, name) for name in made)
    for name in ("ImageVisualizationMethod", "TimeseriesVisualizationMethod", "VisualizeSign"):
        assert {m.name: m.value for m in getattr(peer, name)} == {m.name: m.value for m in getattr(ours, name)}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("method", METHODS)
def test_images_are_captums(method, sign, maps, picture):
    if sign == "all" and method in ("masked_image", "alpha_scaling"):
        with pytest.raises(InputError, match="both signs"):
            ours.visualize_image_attr(maps, picture, method, sign, use_pyplot=False)
        return
    shown = [
        door.visualize_image_attr(
            maps, picture, method, sign, title="a", show_colorbar=True, outlier_perc=5, use_pyplot=False
        )[1]
        for door in (peer, ours)
    ]
    for theirs, own in zip(*map(drawn, shown), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-12, atol=1e-12)
    for theirs, own in zip(*(ax.images for ax in shown), strict=True):
        assert (own.get_cmap().name, own.get_clim(), own.get_alpha()) == (
            theirs.get_cmap().name, theirs.get_clim(), theirs.get_alpha(),
        )  # fmt: skip
    assert shown[1].get_title() == "a"
    assert len(shown[0].figure.axes) == len(shown[1].figure.axes) == 2


def test_a_map_of_two_dimensions_and_colours_of_ones_own(maps):
    _, ax = ours.visualize_image_attr(maps.sum(2), cmap="viridis", use_pyplot=False)
    _, expected = peer.visualize_image_attr(maps, cmap="viridis", use_pyplot=False)
    np.testing.assert_allclose(drawn(ax), drawn(expected))
    assert ax.images[0].get_cmap().name == "viridis"


@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_number_is_drawn_as_nothing(method, maps, picture):
    maps[2, 3] = np.nan
    _, ax = ours.visualize_image_attr(maps, picture, method, use_pyplot=False)
    assert np.isfinite(drawn(ax)[-1]).all()
    if method != "original_image":
        assert not drawn(ax)[-1][2, 3].any() or method == "alpha_scaling"


@pytest.mark.parametrize("method", METHODS)
def test_attributions_of_zero_are_drawn_as_nothing(method, picture):
    with pytest.raises(AssertionError):
        peer.visualize_image_attr(np.zeros((6, 5, 3)), picture, method, use_pyplot=False)
    _, ax = ours.visualize_image_attr(np.zeros((6, 5, 3)), picture, method, use_pyplot=False)
    expected = {"heat_map": 0.0, "blended_heat_map": 0.0, "masked_image": 0.0}
    if method in expected:
        assert (drawn(ax)[-1] == expected[method]).all()
    if method == "alpha_scaling":
        assert (drawn(ax)[-1][..., 3] == 0).all()


def test_a_normalised_image_is_stretched_and_not_cut_off(maps):
    unit = np.random.default_rng(1).uniform(size=(6, 5, 3))
    normalised = (unit - 0.45) / 0.25
    _, ax = ours.visualize_image_attr(maps, normalised, "original_image", use_pyplot=False)
    expected = 255 * (unit - unit.min()) / (unit.max() - unit.min())
    np.testing.assert_allclose(drawn(ax)[0], expected, atol=1)


def test_a_grey_image_is_grey(maps):
    grey = np.linspace(0, 1, 30).reshape(6, 5)
    for image in (grey, grey[..., None]):
        for method in ("original_image", "alpha_scaling", "masked_image", "blended_heat_map"):
            _, _ax = ours.visualize_image_attr(maps, image, method, use_pyplot=False)
        shown = drawn(ours.visualize_image_attr(maps, image, "original_image", use_pyplot=False)[1])[0]
        np.testing.assert_array_equal(shown, np.repeat((255 * grey).astype(int)[..., None], 3, 2))


def test_wrong_names_and_missing_images_say_what_to_type(maps):
    with pytest.raises(InputError, match="method='heat'; pass one of 'heat_map'"):
        ours.visualize_image_attr(maps, method="heat")
    with pytest.raises(InputError, match="sign='both'; pass one of 'positive'"):
        ours.visualize_image_attr(maps, sign="both")
    with pytest.raises(InputError, match="there is none"):
        ours.visualize_image_attr(maps, method="masked_image", use_pyplot=False)
    with pytest.raises(InputError, match=r"pixels and the image \(4, 4\)"):
        ours.visualize_image_attr(maps, np.ones((4, 4)), method="blended_heat_map", use_pyplot=False)
    with pytest.raises(InputError, match=r"attr has shape \(1, 6, 5, 3\)"):
        ours.visualize_image_attr(maps[None], use_pyplot=False)
    with pytest.raises(InputError, match="methods has 2 entries and signs 1"):
        ours.visualize_image_attr_multiple(maps, None, ["heat_map", "heat_map"], ["all"])


def test_several_views_of_an_image(maps, picture):
    methods, signs = ["original_image", "heat_map", "masked_image"], ["all", "all", "positive"]
    each = [
        door.visualize_image_attr_multiple(maps, picture, methods, signs, ["a", "b", "c"], use_pyplot=False)[1]
        for door in (peer, ours)
    ]
    assert isinstance(each[1], list)
    for theirs, own in zip(*each, strict=True):
        np.testing.assert_allclose(drawn(own), drawn(theirs))
        assert own.get_title() == theirs.get_title()
    _, alone = ours.visualize_image_attr_multiple(maps, picture, ["heat_map"], ["all"], use_pyplot=False)
    assert len(alone.images) == 1


def test_pyplot_knows_the_figure_that_it_is_to_show(maps, monkeypatch):
    figure, _ = ours.visualize_image_attr(maps)
    assert plt.gcf() is figure
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(True))
    monkeypatch.setattr(plt, "get_backend", lambda: "QtAgg")
    ours.visualize_image_attr(maps, plt_fig_axis=(figure, figure.axes[0]))
    assert shown == [True]
    plt.close(figure)


@pytest.fixture
def series(monkeypatch):
    # matplotlib has removed the function by which Captum finds its colours
    monkeypatch.setattr(matplotlib.cm, "get_cmap", lambda c: matplotlib.colormaps.get_cmap(c), raising=False)
    generator = np.random.default_rng(2)
    yield generator.normal(size=(12, 3)), generator.normal(size=(12, 3))
    plt.close("all")


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("method", tuple(peer.TimeseriesVisualizationMethod.__members__))
def test_series_are_captums(method, sign, series):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        _expected, panels = peer.visualize_timeseries_attr(
            *series, method=method, sign=sign, channel_labels=["a", "b", "c"], use_pyplot=False
        )
    own, lanes = ours.visualize_timeseries_attr(
        *series, method=method, sign=sign, channel_labels=["a", "b", "c"], use_pyplot=False, show_colorbar=True
    )
    assert len(own.axes) == 1 + np.size(lanes), "a colour bar"
    for theirs, ax in zip(np.atleast_1d(panels), np.atleast_1d(lanes), strict=True):
        ax.collections[0].update_scalarmappable()
        colours = ax.collections[0].get_facecolors()
        if method == "colored_graph":
            colours, expected_colours = ax.collections[0].get_colors(), theirs.collections[0]
            expected_colours.update_scalarmappable()
            # there is no segment behind the last step
            expected_colours = expected_colours.get_colors()[:-1]
            np.testing.assert_allclose(
                np.array(ax.collections[0].get_segments()), np.array(theirs.collections[0].get_segments())
            )
        else:
            expected_colours = [patch.get_facecolor() for patch in theirs.patches]
            for curve, line in zip(theirs.lines, ax.lines, strict=True):
                np.testing.assert_array_equal(line.get_xydata(), curve.get_xydata())
        np.testing.assert_allclose(colours, expected_colours, atol=1e-9)
        assert ax.get_ylabel() == theirs.get_ylabel()


def test_a_series_keeps_its_range_and_leaves_pyplot_alone(series):
    values, data = series
    before = plt.get_fignums()
    _, panels = ours.visualize_timeseries_attr(values, data + 100, method="colored_graph", use_pyplot=False)
    for ax, channel in zip(panels, (data + 100).T, strict=True):
        low, high = ax.get_ylim()
        assert low < channel.min() < channel.max() < high < low + 3 * np.ptp(channel)
    assert plt.get_fignums() == before


def test_steps_of_unequal_length_meet_in_the_middle(series):
    x = np.array([0.0, 1.0, 4.0])
    _, ax = ours.visualize_timeseries_attr(np.ones((3, 1)), np.ones((3, 1)), x, use_pyplot=False)
    ends = [path.vertices[:2, 0].tolist() for path in ax.collections[0].get_paths()]
    assert ends == [[-0.5, 0.5], [0.5, 2.5], [2.5, 5.5]]


def test_series_of_one_step_of_zeros_and_with_channels_first(series):
    ours.visualize_timeseries_attr(np.zeros((1, 2)), np.ones((1, 2)), use_pyplot=False)
    values, data = series
    _, first = ours.visualize_timeseries_attr(values.T, data.T, channels_last=False, use_pyplot=False)
    _, last = ours.visualize_timeseries_attr(values, data, use_pyplot=False)
    np.testing.assert_array_equal(first[1].lines[0].get_xydata(), last[1].lines[0].get_xydata())
    with pytest.raises(InputError, match="x_values has shape"):
        ours.visualize_timeseries_attr(values, data, np.arange(3), use_pyplot=False)
    with pytest.raises(InputError, match=r"attr is \(12, 3\)"):
        ours.visualize_timeseries_attr(values, data[:4], use_pyplot=False)


def record(words, values):
    return ours.VisualizationDataRecord(torch.tensor(values), 0.9, "good", "bad", "good", 1.25, words, 0.01)


def test_texts_say_all_that_captums_say_and_hold_no_markup_of_others():
    page = ours.visualize_text([record(["a", "x<script>alert(1)</script>", "<pad>"], [0.5, -1.0, 0.0])]).data
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    for text in ("True Label", "good (0.90)", "1.25", "#pad", "Legend"):
        assert text in page
    assert page.count("<tr>") == page.count("</tr>") == 2
    assert "Legend" not in ours.visualize_text([], legend=False).data


@pytest.mark.parametrize("value", [-2.0, -0.5, 0.0, 0.25, 1.0])
def test_words_have_captums_colours(value):
    own = ours.format_word_importances(["word"], [value])
    assert peer._get_color(value) in own


def test_texts_are_shown_by_a_notebook(monkeypatch):
    shown, notebook = [], ModuleType("IPython.display")
    notebook.display, notebook.HTML = shown.append, lambda data: ("html", data)
    monkeypatch.setitem(sys.modules, "IPython.display", notebook)
    assert [ours.visualize_text([record(["a"], [0.5])])] == shown


def test_words_without_importances():
    assert ours.format_word_importances(["a"], []) == peer.format_word_importances(["a"], [])
    assert ours.format_special_tokens("<pad>") == peer.format_special_tokens("<pad>")
    with pytest.raises(InputError, match="2 words"):
        ours.format_word_importances(["a", "b"], [0.1])


def test_masks_have_rims_and_names():
    mask = np.zeros((9, 8), dtype=bool)
    mask[1:8, 2:] = True
    mask[4, 5] = False
    for width in (1, 2):
        theirs, own = Figure().add_subplot(), Figure().add_subplot()
        peer.draw_mask_border(theirs, mask, width, "red")
        ours.draw_mask_border(own, mask, width, "red")
        np.testing.assert_array_equal(drawn(own), drawn(theirs))
    peer.draw_mask_legend(theirs, mask, "1")
    ours.draw_mask_legend(own, mask, "1")
    assert own.texts[0].get_position() == theirs.texts[0].get_position()
    ours.draw_mask_border(own, ~mask & mask)
    ours.draw_mask_legend(own, ~mask & mask, "none")
    assert (len(own.images), len(own.texts)) == (1, 1)
