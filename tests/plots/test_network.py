"""The picture of a KAN: every edge once, in its place, at any size."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PolyCollection
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
    figure = network(full([30, 20, 1]))
    assert len(frames(figure)) == 400
    assert any(text.startswith("the 400 strongest of 620 edges") for text in written(figure))
    assert len(figure.axes) == 1
    assert len(figure.axes[0].collections) < 20


def test_haze_is_not_drawn():
    drawn = full([30, 20, 1])
    few = tuple(replace(e, score=1.0 if k < 7 else 1e-9) for k, e in enumerate(drawn.edges))
    figure = network(replace(drawn, edges=few))
    assert len(frames(figure)) == 7
    assert any(text.startswith("the 7 strongest of 620 edges (100.0% of the score)") for text in written(figure))


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
    assert len(full_one.axes[0].lines) == 1


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
