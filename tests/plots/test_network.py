"""The picture of a KAN: every edge once, in its place, at any size."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sympy
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure

from ascribe.errors import InputError
from ascribe.kan.network import KAN
from ascribe.kan.picture import Edge, Picture, picture
from ascribe.plots.layout import lay_out
from ascribe.plots.network import network


def full(width, arity=None):
    """A picture with every edge, its score falling from edge to edge."""
    width = [[n, 0] if isinstance(n, int) else n for n in width]
    arity = arity or [[] for _ in width]
    x, edges = np.linspace(-1, 1, 10), []
    for layer in range(len(width) - 1):
        for i in range(sum(width[layer])):
            for j in range(width[layer + 1][0] + sum(arity[layer + 1])):
                edges.append(Edge(layer, i, j, x, x**2, 1 / (1 + len(edges))))
    names = tuple(f"x{i}" for i in range(sum(width[0]))), tuple(f"y{i}" for i in range(sum(width[-1])))
    return Picture(width, arity, tuple(edges), [np.ones(sum(n)) for n in width], *names)


def frames(figure):
    return [p for c in figure.axes[0].collections if isinstance(c, PolyCollection) for p in c.get_paths()]


def written(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("width", [[2, 5, 1], [4, 5, 1], [8, 8, 1], [1, 1]])
def test_every_edge_has_one_frame(width):
    drawn = full(width)
    assert len(frames(network(drawn))) == len(drawn.edges)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=4))
@example([90, 10, 9, 1])
def test_frames_stay_apart_and_inside(width):
    layout = lay_out(full(width), full(width).edges)
    for band in layout.bands:
        apart = np.abs(band.squares[:, None] - band.squares[None]).max(-1)
        assert (apart[~np.eye(len(apart), dtype=bool)] >= band.side * 0.999).all()
        assert (band.squares[:, 0] >= band.side / 2 - 1e-9).all()
        assert (band.squares[:, 0] <= layout.width - band.side / 2 + 1e-9).all()


def test_products_stand_above_their_factors():
    drawn = full([[2, 0], [1, 2]], arity=[[], [2, 3]])
    layout = lay_out(drawn, drawn.edges)
    nodes, subnodes = layout.nodes[1], layout.subnodes[0]
    assert len(subnodes) == 6
    np.testing.assert_allclose(nodes[:, 0], [subnodes[0, 0], subnodes[1:3, 0].mean(), subnodes[3:6, 0].mean()])


def test_opacity_is_tanh_of_the_score():
    drawn = full([2, 1])
    lines = next(c for c in network(drawn, beta=2).axes[0].collections if isinstance(c, LineCollection))
    np.testing.assert_allclose(lines.get_colors()[0, 3], np.tanh(2 * drawn.edges[0].score))


def test_of_very_many_edges_the_strongest_are_drawn_and_said_so():
    figure = network(full([60, 20, 1]))
    assert len(frames(figure)) == 1000
    assert any(text.startswith("the 1,000 strongest of 1,220 edges") for text in written(figure))
    assert len(figure.axes) == 1
    assert len(figure.axes[0].collections) < 20


def test_haze_is_not_drawn():
    drawn = full([60, 20, 1])
    few = tuple(replace(e, score=1.0 if k < 7 else 1e-9) for k, e in enumerate(drawn.edges))
    figure = network(replace(drawn, edges=few))
    assert len(frames(figure)) == 7
    assert any(text.startswith("the 7 strongest of 1,220 edges (100.0% of the score)") for text in written(figure))


def test_a_kan_draws_itself_on_given_axes_and_on_its_own():
    kan = KAN([3, 2, 1], seed=1)
    kan(torch.randn(50, 3))
    ax = Figure().add_subplot()
    assert kan.plot(ax=ax) is ax.figure
    figure = kan.plot(in_vars=[sympy.Symbol("alpha"), "b", "$c_1$"], out_vars=["out"], title="a title")
    assert {r"$\alpha$", "b", "$c_1$", "out"} <= set(written(figure))
    assert figure.axes[0].get_title() == "a title"
    figure.canvas.draw()


def test_a_part_of_a_figure_will_do():
    whole = Figure((8, 4))
    assert network(full([2, 1]), ax=whole.subfigures(1, 2)[0].add_subplot()) is whole
    white = [c for c in whole.subfigs[0].axes[0].collections if isinstance(c, PolyCollection)]
    np.testing.assert_allclose(white[0].get_facecolors()[0, :3], 1)


def test_tick_writes_ranges_and_sample_marks_data():
    kan = KAN([2, 1], seed=1)
    kan(torch.linspace(-1, 1, 60).reshape(30, 2))
    plain, full_one = kan.plot(), kan.plot(tick=True, sample=True)
    assert len(written(full_one)) == len(written(plain)) + 4 * 2
    (points,) = (c for c in full_one.axes[0].collections if isinstance(c, PathCollection))
    assert len(points.get_offsets()) == 30 * kan.n_edge
    assert not any(isinstance(c, PathCollection) for c in plain.axes[0].collections)


def test_a_network_that_takes_some_columns_picks_their_names():
    drawn = full([2, 1])
    drawn = Picture(
        drawn.width, drawn.arity, drawn.edges, drawn.node_scores, ("$x_2$", "$x_4$"), ("y",), input_id=(1, 3)
    )
    assert {"b", "d"} <= set(written(network(drawn, in_vars=["a", "b", "c", "d"])))


def test_wrong_names_are_an_error():
    with pytest.raises(InputError, match="in_vars has 3 names, but the network has 2"):
        network(full([2, 1]), in_vars=["a", "b", "c"])


def test_a_constant_edge_is_a_level_line():
    x = np.linspace(0, 1, 10)
    drawn = Picture([[1, 0], [1, 0]], [[], []], (Edge(0, 0, 0, x, 0 * x + 3, 1.0),), [np.ones(1)] * 2, ("x",), ("y",))
    network(drawn).canvas.draw()


def test_nothing_global_is_left_behind():
    kan = KAN([2, 2, 1], seed=1)
    kan(torch.randn(20, 2))
    before = dict(plt.rcParams), plt.get_fignums(), torch.random.get_rng_state()
    kan.plot().canvas.draw()
    assert (dict(plt.rcParams), plt.get_fignums()) == before[:2]
    assert torch.equal(torch.random.get_rng_state(), before[2])


def test_the_data_of_a_picture_is_enough():
    kan = KAN([2, 2, 1], seed=1)
    kan(torch.randn(20, 2))
    assert len(frames(network(picture(kan)))) == len(frames(kan.plot()))


def kinds(*three):
    """One edge of each of these kinds."""
    drawn = full([len(three), 1])
    edges = tuple(
        replace(e, kind=k, function="" if k == "numeric" else "x^2") for e, k in zip(drawn.edges, three, strict=True)
    )
    return replace(drawn, edges=edges)


def lines(figure):
    return [c for c in figure.axes[0].collections if isinstance(c, LineCollection)]


def test_kinds_differ_in_colour_and_in_dashes():
    connectors = lines(network(kinds("numeric", "symbolic", "both"), beta=100))[:3]
    assert len({tuple(c.get_colors()[0]) for c in connectors}) == 3
    assert len({str(c.get_linestyle()) for c in connectors}) == 3


def test_a_legend_tells_kinds_apart_where_there_are_several():
    figure = network(kinds("numeric", "symbolic"))
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["numeric", "symbolic"]
    assert network(kinds("symbolic", "symbolic")).axes[0].get_legend() is None


def test_functions_are_written_on_request():
    drawn = kinds("numeric", "symbolic", "both")
    assert written(network(drawn, formulas=True)).count("$x^{2}$") == 2
    assert "$x^{2}$" not in written(network(drawn))


def test_a_network_without_edges_is_its_nodes():
    figure = network(replace(full([2, 2, 1]), edges=()))
    figure.canvas.draw()
    assert frames(figure) == []
    assert {"x0", "x1", "y0"} <= set(written(figure))


def test_a_pole_leaves_the_other_points_their_room():
    kan = KAN([1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, "1/x", (1.0, 0.0, 1.0, 0.0))
    kan.remember(torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None])
    figure = kan.plot(sample=True, tick=True, formulas=True)
    figure.canvas.draw()
    curve = lines(figure)[2].get_segments()[0]
    (square,) = frames(figure)
    low, high = square.vertices.min(0), square.vertices.max(0)
    assert ((low <= curve) & (curve <= high)).all()


def test_names_of_columns_are_texts_and_not_mathematics():
    kan = KAN([2, 1])
    kan.names = ["price in $ of $", "$\\alpha$"]
    figure = kan.plot()
    figure.canvas.draw()
    assert {r"price in \$ of \$", r"$\alpha$"} <= set(written(figure))


def test_mathematics_that_cannot_be_written_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="whose mathematics matplotlib cannot write"):
        network(full([2, 1]), in_vars=["a", r"$\fraction$"])


def test_names_without_room_side_by_side_stand_upright():
    def turned(figure):
        return {text.get_text(): text.get_rotation() for text in figure.axes[0].texts}

    names = [f"a long name {n}" for n in range(9)]
    assert set(turned(network(full([2, 9]), out_vars=names)).values()) == {0.0, 90.0}
    assert turned(network(full([9, 1]), in_vars=names))[names[0]] == 90


def test_of_very_many_names_some_are_written():
    shown = written(network(full([900, 1])))
    assert 100 < len(shown) < 500
    assert "x0" in shown


def test_it_looks_at_the_data_it_is_given():
    kan = KAN([1, 1])
    texts = written(kan.plot(x=torch.linspace(0.25, 0.75, 9)[:, None], tick=True))
    assert {" 0.25", "0.75 "} <= set(texts)


@pytest.mark.parametrize("metric", ["forward_n", "forward_u", "edge_forward_spline_n", "node_backward"])
def test_opacity_follows_every_metric(metric):
    kan = KAN([2, 2, 1], seed=3)
    kan.remember(torch.randn(50, 2, generator=torch.Generator().manual_seed(0)))
    scores = np.array([e.score for e in picture(kan, metric=metric).edges if e.layer == 0])
    drawn = lines(kan.plot(metric=metric, beta=1))[0].get_colors()[: 2 * len(scores) : 2, 3]
    np.testing.assert_allclose(np.sort(drawn), np.sort(np.maximum(np.tanh(scores), 0.06)), rtol=1e-5)


@pytest.mark.parametrize("size", [(8.0, 3.0), (3.0, 8.0), (2.0, 2.0)])
@pytest.mark.parametrize("layout", ["none", "constrained"])
def test_all_that_is_written_stays_in_the_axes_that_were_given(size: tuple[float, float], layout: str):
    kan = KAN([3, [2, 1], 2], mult_arity=3)
    kan.fix(0, 0, 0, "sin", [1.0, 0.0, 1.0, 0.0])
    kan.names = ["living area", "a name that is long", "x_1"]
    figure = Figure(size, layout=layout)
    ax = figure.subplots(1, 2)[0]
    kan.plot(ax=ax)
    figure.draw_without_rendering()
    legend = ax.get_legend()
    assert legend is not None
    assert isinstance(kan.plot(ax=Figure((0.3, 0.3)).add_subplot(), title="no room at all"), Figure)
    for text in [*ax.texts, *legend.get_texts()]:
        box = text.get_window_extent()
        assert box.y0 >= 0
        assert box.y1 <= figure.bbox.y1 + 1
    names = [text.get_window_extent() for text in ax.texts if text.get_text() in ("$y_{1}$", "$y_{2}$")]
    assert not any(name.overlaps(legend.get_window_extent()) for name in names)


def test_the_ends_of_a_range_do_not_run_into_each_other():
    kan = KAN([2, 2, 1])
    with torch.no_grad():
        # A curve that hardly moves takes many digits.
        kan.layers[0].coef.mul_(1e-4).add_(3.14)
        kan.layers[0].scale_base.zero_()
    figure = kan.plot(tick=True, x=torch.rand(50, 2))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_rotation() == 90]
    assert len(boxes) == 12
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])


@pytest.mark.parametrize("wrong", [{"scale": 0.0}, {"varscale": -1.0}, {"beta": float("nan")}])
def test_sizes_that_are_none_are_one_clear_sentence(wrong):
    with pytest.raises(InputError, match="pass"):
        KAN([2, 1]).plot(**wrong)
