"""Every picture shows its numbers, on the axes it is given, and leaves matplotlib as it was."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib._pylab_helpers import Gcf
from matplotlib.figure import Figure

from ascribe.core.explain import explain
from ascribe.errors import InputError
from ascribe.methods.ablation import Ablation
from ascribe.methods.input_x_gradient import InputXGradient
from ascribe.methods.saliency import Saliency
from ascribe.metrics.comparison import compare
from ascribe.plots import (
    agreement,
    bar,
    beeswarm,
    canvas,
    fit,
    heatmap,
    image,
    methods,
    pairs,
    rounds,
    sankey,
    scatter,
    scores,
    series,
    token_map,
    tokens,
    waterfall,
)
from ascribe.plots.ranking import strongest

WEIGHT = [3.0, -1.0, 0.0, 0.5]
NAMES = ("one", "two", "price in $ and more $", "四")


def line(z):
    return z @ torch.tensor(WEIGHT, dtype=z.dtype)


@pytest.fixture
def x():
    return torch.randn(40, 4, dtype=torch.float64)


@pytest.fixture
def attribution(x):
    return explain(line, x, Ablation(), names=NAMES)


@pytest.fixture
def comparison(x):
    return compare(line, x, [Ablation(), InputXGradient(), Saliency()], names=NAMES, metrics=[])


@pytest.fixture
def drawings(attribution, comparison):
    true = np.linspace(0, 1, 20)
    return {
        "bar": lambda ax=None: bar(attribution, ax=ax),
        "beeswarm": lambda ax=None: beeswarm(attribution, ax=ax),
        "waterfall": lambda ax=None: waterfall(attribution, 3, ax=ax),
        "methods": lambda ax=None: methods(comparison, ax=ax),
        "agreement": lambda ax=None: agreement(comparison, ax=ax),
        "scores": lambda ax=None: scores(NAMES, np.arange(4.0), np.ones(4), ax=ax),
        "fit": lambda ax=None: fit(true, true, ax=ax),
        "confusion": lambda ax=None: fit(np.array([0, 1, 1]), np.array([0, 1, 0]), classes=("no", "yes"), ax=ax),
        "rounds": lambda ax=None: rounds(["fit", "prune"], np.array([1.0, 0.5]), np.array([1.1, 0.7]), ax=ax),
        "heatmap": lambda ax=None: heatmap(attribution, ax=ax),
        "pairs": lambda ax=None: pairs(replace(attribution, values=torch.randn(40, 4, 4)), ax=ax),
        "token_map": lambda ax=None: token_map(np.eye(4), NAMES, NAMES, ax=ax),
        "scatter": lambda ax=None: scatter(attribution, "one", colour=NAMES[2], ax=ax),
        "series": lambda ax=None: series(attribution, ax=ax),
        "tokens": lambda ax=None: tokens(attribution, ax=ax),
        "image": lambda ax=None: image(replace(attribution, values=torch.randn(40, 9, 9)), ax=ax),
        "sankey": lambda ax=None: sankey([attribution], ax=ax),
    }


PICTURES = (
    "bar", "beeswarm", "waterfall", "methods", "agreement", "scores", "fit", "confusion", "rounds", "heatmap", "pairs",
    "token_map", "scatter", "series", "tokens", "image", "sankey",
)  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_on_the_axes_it_is_given(drawings, name):
    ax = Figure().add_subplot()
    assert drawings[name](ax) is ax
    assert ax.has_data()


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.filterwarnings("ignore:Glyph .* missing")
def test_a_picture_leaves_style_and_figures_as_they_were(drawings, name):
    before, numbers = dict(matplotlib.rcParams), plt.get_fignums()
    drawings[name]().figure.canvas.draw()
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == numbers


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.filterwarnings("ignore:Glyph .* missing")
def test_a_part_of_a_figure_will_do(drawings, name):
    whole = Figure((8, 4))
    drawings[name](whole.subfigures(1, 2)[0].add_subplot())
    whole.canvas.draw()


@pytest.mark.parametrize("name", PICTURES)
def test_a_dark_style_stays_dark(drawings, name):
    with plt.style.context("dark_background"):
        ax = drawings[name]()
        assert {label.get_color() for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]} <= {"white"}
        assert {text.get_color() for text in ax.texts} <= {"white"}


def test_a_figure_joins_pyplot_only_where_pyplot_can_show(attribution, monkeypatch):
    monkeypatch.setattr(plt, "get_backend", lambda: "QtAgg")
    ax = bar(attribution)
    assert plt.fignum_exists(ax.figure.number)
    plt.close(ax.figure)


@pytest.fixture
def shown(monkeypatch) -> list[Figure]:
    """What a notebook has displayed; `IPython.display` gives a figure's own `_ipython_display_` the first say."""
    plt.close("all")
    shown, notebook = [], ModuleType("IPython.display")

    def display(thing):
        getattr(thing, "_ipython_display_", lambda: shown.append(thing))()

    notebook.display = display
    monkeypatch.setitem(sys.modules, "IPython.display", notebook)
    return shown


def end_of_cell():
    """As the inline backend does it: every figure that pyplot has is displayed, and closed."""
    for manager in Gcf.get_all_fig_managers():
        sys.modules["IPython.display"].display(manager.canvas.figure)
    plt.close("all")


@pytest.mark.parametrize("ends_the_cell", [True, False])
def test_a_notebook_shows_a_figure_once_a_cell(attribution, monkeypatch, shown, ends_the_cell):
    monkeypatch.setattr(plt, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    figure = bar(attribution).figure
    assert plt.gcf() is figure
    if ends_the_cell:
        sys.modules["IPython.display"].display(figure)
    end_of_cell()
    assert shown == [figure]
    sys.modules["IPython.display"].display(figure)
    end_of_cell()
    assert shown == [figure, figure], "the name of a figure ends a later cell"


def test_a_figure_with_a_window_is_not_shown_a_second_time(attribution, monkeypatch, shown):
    monkeypatch.setattr(plt, "get_backend", lambda: "module://ipympl.backend_nbagg")
    figure = bar(attribution).figure
    figure._ipython_display_()
    assert shown == []
    assert plt.fignum_exists(figure.number)
    plt.close(figure)
    figure._ipython_display_()
    assert shown == [figure]


def test_a_notebook_shows_figures_of_those_who_never_import_pyplot(attribution, monkeypatch):
    notebook = ModuleType("IPython")
    notebook.get_ipython = object
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot")
    monkeypatch.setattr(canvas, "need", lambda module, extra: plt)
    monkeypatch.setattr(plt, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    figure = bar(attribution).figure
    assert plt.fignum_exists(figure.number)
    plt.close(figure)


def texts(labels):
    return [label.get_text() for label in labels]


def test_bar_shows_mean_sizes_strongest_first(attribution, x):
    ax = bar(attribution)
    expected = (x * torch.tensor(WEIGHT)).abs().mean(0)
    assert texts(ax.get_yticklabels())[0] == "one"
    np.testing.assert_allclose([p.get_width() for p in ax.patches], np.sort(expected)[::-1])


def test_features_beyond_the_top_are_added_up(attribution, x):
    ax = bar(attribution, top=2)
    rest = (x * torch.tensor(WEIGHT))[:, [2, 3]].abs().sum(1).mean()
    assert texts(ax.get_yticklabels())[-1] == "2 others"
    assert ax.patches[-1].get_width() == pytest.approx(float(rest))


def test_nothing_is_lost_between_shown_and_rest():
    values = np.random.default_rng(0).normal(size=(5, 30))
    ranking = strongest(np.abs(values).mean(0), 7)
    assert ranking.gather(values).shape == (5, 8)
    np.testing.assert_allclose(ranking.gather(values).sum(1), values.sum(1))


def test_waterfall_runs_from_the_reference_to_the_output(attribution, x):
    ax = waterfall(attribution, 3, cells=[f"{v:.1f}" for v in x[3].tolist()])
    widths = [p.get_width() for p in ax.patches]
    start, end = ax.lines[-1].get_xdata()
    assert start + sum(widths) == pytest.approx(end) == pytest.approx(float(line(x)[3]))
    assert f"one = {x[3, 0]:.1f}" in texts(ax.get_yticklabels())


def test_waterfall_shows_what_a_method_leaves_unexplained(x):
    ax = waterfall(explain(lambda z: line(z) ** 2, x, Saliency(), names=NAMES), 0)
    assert "not explained" in texts(ax.get_yticklabels())


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_of_a_narrow_waterfall_stay_beside_the_names(x, sign):
    single = explain(lambda z: sign * 12.3 * z[:, 0], x.abs(), Ablation(), names=NAMES)
    figure = Figure((3.9, 2), layout="constrained")
    ax = waterfall(single, 3, cells=["12,345"] * 4, ax=figure.add_subplot())
    figure.draw_without_rendering()
    room = ax.get_window_extent()
    for text in ax.texts:
        assert room.x0 <= text.get_window_extent().x0
        assert text.get_window_extent().x1 <= room.x1


def test_waterfall_of_a_missing_row_says_which_there_are(attribution):
    with pytest.raises(InputError, match="row=40, but 40 rows"):
        waterfall(attribution, 40)


def test_beeswarm_keeps_every_value_and_colours_by_the_feature(attribution, x):
    ax = beeswarm(attribution)
    points = np.concatenate([np.asarray(c.get_offsets()) for c in ax.collections])
    expected = (x * torch.tensor(WEIGHT)).flatten()
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(expected), atol=1e-12)
    lowest = np.asarray(ax.collections[1].get_offsets())
    assert lowest[np.round(lowest[:, 1]) == 0, 0].max() < 0, "low values of a feature with a positive weight push down"


def test_beeswarm_bands_do_not_meet(attribution):
    for collection in beeswarm(attribution).collections:
        heights = np.asarray(collection.get_offsets())[:, 1]
        assert (np.abs(heights - np.round(heights)) <= 0.45).all()


def test_methods_are_shares_of_their_own_sum(comparison):
    ax = methods(comparison)
    upright = [p.get_height() for p in ax.patches]
    count = len(comparison.attributions)
    shares = np.abs(np.array(upright).reshape(count, -1)).sum(1)
    np.testing.assert_allclose(shares, np.ones(count))


def test_methods_lie_down_where_names_have_no_room(comparison):
    ax = methods(comparison, ax=Figure((2.5, 4)).add_subplot())
    assert "one" in texts(ax.get_yticklabels())


def test_agreement_has_a_cell_a_pair_with_its_number(comparison):
    ax = agreement(comparison)
    assert len(ax.texts) == 3
    assert ax.texts[0].get_text() == "1.00"


def test_agreement_of_one_method_says_what_to_do(x):
    with pytest.raises(InputError, match="add a method"):
        agreement(compare(line, x, [Ablation()], metrics=[]))


def test_confusion_counts():
    ax = fit(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1]), classes=("no", "yes"))
    assert [t.get_text() for t in ax.texts] == ["1", "0", "1", "2"]


def test_names_are_literal(attribution):
    ax = bar(attribution)
    shown = next(t for t in texts(ax.get_yticklabels()) if "price" in t)
    assert shown.replace(r"\$", "$") == NAMES[2]


def test_several_outputs_cannot_be_one_picture(x):
    both = explain(lambda z: torch.stack([line(z), -line(z)], 1), x, Ablation(), target="all")
    with pytest.raises(InputError, match="2 outputs"):
        bar(both)


def test_pictures_are_found_under_plot(attribution, comparison):
    assert set(dir(attribution.plot)) == {
        "bar", "beeswarm", "heatmap", "image", "pairs", "sankey", "scatter", "series", "tokens", "waterfall",
    }  # fmt: skip
    assert {"methods", "agreement"} <= set(dir(comparison.plot))
    assert attribution.plot().get_xlabel() == bar(attribution).get_xlabel()
    assert comparison.plot.agreement().texts
