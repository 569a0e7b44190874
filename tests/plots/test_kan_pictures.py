"""The small pictures of a KAN: one edge, its inputs' scores, and the front of its formulas."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sympy
import torch
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.hypotheses.tree import tree
from ascribe.kan.symbolic.pareto import Candidate, Pareto
from ascribe.plots import pareto
from ascribe.plots.palette import UP


@pytest.fixture
def kan():
    kan = KAN([3, [2, 1], 1], seed=1, noise_scale=1.0, dtype=torch.float64)
    kan.remember(2 * torch.rand(500, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1)
    kan.fix(0, 0, 0, "sin", [3.0, 0.5, 2.0, 0.0])
    kan.fix(0, 1, 1, "1/x", [1.0, 0.0, 1.0, 0.0])
    return kan


def test_an_edge_is_its_curve_with_the_data_on_it(kan):
    ax = kan.plot.edge(0, 0, 0)
    curve, points = (line.get_xydata() for line in ax.lines)
    x = kan.data()[:, 0]
    assert (curve[0, 0], curve[-1, 0]) == pytest.approx((float(x.min()), float(x.max())))
    np.testing.assert_allclose(curve[:, 1], 2 * np.sin(3 * curve[:, 0] + 0.5))
    np.testing.assert_allclose(points[:, 1], 2 * np.sin(3 * points[:, 0] + 0.5))
    assert 100 <= len(points) <= 200
    assert same_color(ax.lines[0].get_color(), UP)
    assert ax.get_title() == r"$\mathrm{sin}$, a = 3.00, b = 0.500, c = 2.00, d = 0"


def test_points_up_a_pole_do_not_flatten_the_curve(kan):
    kan.remember(torch.cat([kan.data(), torch.full((1, 3), 1e-9, dtype=torch.float64)]))
    low, high = kan.plot.edge(0, 1, 1).get_ylim()
    assert -1000 < low < -5
    assert 5 < high < 1000


def test_a_spline_is_a_fitted_curve_on_any_data(kan):
    kan.names = ["a", "b", "price in $"]
    x = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None].expand(-1, 3)
    ax = kan.plot.edge(0, 2, 3, x=x)
    assert ax.get_title() == "a fitted curve"
    assert ax.get_xlabel() == r"price in \$"
    assert ax.lines[0].get_xdata().min() == 0
    with pytest.raises(InputError, match="no edge from node 7"):
        kan.plot.edge(0, 7, 0)


def test_features_are_the_scores_of_the_inputs(kan):
    ax = kan.plot.features(names=["a", "b", "c"])
    score = kan.feature_score.numpy()
    order = np.argsort(-score)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["abc"[n] for n in order]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), score[order])
    assert len(ax.collections) == len(kan.plot.features(bootstrap=0).collections) + 1


def test_features_of_a_node_are_its_attribution(kan):
    ax = kan.plot.features(1, 2)
    np.testing.assert_allclose(np.sort(ax.lines[0].get_xdata()), np.sort(kan.attribute(1, 2).numpy()))
    assert ax.get_xlabel().endswith("with respect to node 2 of layer 1")


def test_pruned_inputs_keep_their_names(kan):
    kan.names = ["a", "b", "c"]
    shown = kan.prune_input(active_inputs=[0, 2]).plot.features(bootstrap=0)
    assert {text.get_text() for text in shown.get_yticklabels()} == {"a", "c"}


def test_mistakes_are_answered_in_a_sentence(kan):
    with pytest.raises(InputError, match=r"pass one of them: features\(1, 0\)"):
        kan.plot.features(1)
    with pytest.raises(InputError, match="names has 2 entries"):
        kan.plot.features(names=["a", "b"])


X, Y = sympy.symbols("x y")
TABLE = SimpleNamespace(
    complexity=(7, 1, 3, 9),
    error=(0.2, 0.5, 0.1, 0.0),
    formula=("cost in $", sympy.Float(1.23456789), 1.11111 * X, sympy.exp(0.99999 * X) + Y**2),
    chosen=3,
)


def test_a_front_goes_from_simple_to_accurate():
    ax = pareto(TABLE)
    ax.figure.canvas.draw()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["1.23", "1.11·x", r"cost in \$", "y^2 + exp(1.0·x)"]
    line, *points = ax.lines
    # the third is beaten by a simpler one
    np.testing.assert_allclose(line.get_xdata(), [0.5, 0.1, 0.01])
    assert [point.get_fillstyle() for point in points] == ["full", "full", "none", "full"]
    assert same_color(points[3].get_color(), UP)
    assert ax.xaxis_inverted()
    assert "without any" in ax.get_xlabel()


def test_the_front_of_a_reading_is_drawn():
    found = [Candidate(X, 1, 0.3, "kan"), Candidate(sympy.sin(sympy.pi * X), 5, 1e-16, "kan")]
    ax = pareto(Pareto.of(found, 100))
    assert [text.get_text() for text in ax.get_yticklabels()] == ["x", "sin(pi·x)"]
    assert same_color(ax.lines[2].get_color(), UP)


def test_of_a_long_table_the_front_is_drawn():
    count = 40
    table = SimpleNamespace(
        complexity=range(count), error=[1.0 / (1 + n) if n % 2 else 2.0 for n in range(count)], formula=["f"] * count
    )
    ax = pareto(table, top=10)
    assert len(ax.get_yticks()) == 10
    assert all(point.get_fillstyle() == "full" for point in ax.lines[1:])


def test_an_empty_table_is_refused():
    with pytest.raises(InputError, match="no formulas"):
        pareto(SimpleNamespace(complexity=(), error=(), formula=()))


def test_nothing_is_left_behind(kan):
    before = dict(plt.rcParams), plt.get_fignums(), torch.random.get_rng_state()
    for ax in (kan.plot.edge(0, 0, 0), kan.plot.features(), pareto(TABLE)):
        ax.figure.canvas.draw()
    assert (dict(plt.rcParams), plt.get_fignums()) == before[:2]
    assert torch.equal(torch.random.get_rng_state(), before[2])


def test_names_of_a_tree_stand_beside_each_other_whatever_their_length():
    x = torch.rand(30, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    names = ["a", "the living area in $", "a very long name of a column of a table", "$x_1$"]
    found = tree(lambda x: x[:, 0] * (x[:, 1] + x[:, 2] ** 2) + x[:, 3], x, names=names)
    for figure in (found.plot(), found.plot(ax=Figure((3, 3)).add_subplot()), found.plot(style="box")):
        figure.draw_without_rendering()
        shown = figure.axes[0].texts
        boxes = [text.get_window_extent() for text in shown if text.get_va() == "top"]
        assert len(boxes) == 4
        assert {"a", "$x_1$"} <= {text.get_text() for text in shown}
        assert all(box.y0 >= 0 for box in boxes)
        assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_data_without_rows_and_layers_that_are_not_there(kan):
    with pytest.raises(InputError, match="no rows"):
        kan.plot.edge(0, 0, 0, x=torch.zeros(0, 3, dtype=torch.float64))
    with pytest.raises(InputError, match="layer 9 does not exist"):
        kan.plot.features(9)
    with pytest.raises(InputError, match="layer 1 has 3 nodes"):
        kan.plot.features(1)
    with pytest.raises(InputError, match="the first layer has 3 nodes"):
        kan.plot.sankey(names=["a"])
