"""A Sankey keeps the shares: what leaves a node is its share, what arrives is the next one's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ascribe.core.explain import explain
from ascribe.errors import InputError
from ascribe.kan.network import KAN
from ascribe.methods.conductance import Conductance
from ascribe.methods.input_x_gradient import InputXGradient
from ascribe.plots import Flow, sankey
from ascribe.plots.flow import flow_of
from ascribe.plots.sankey import FAINT


def some_flow(sizes, seed=0):
    generator = np.random.default_rng(seed)
    nodes = tuple(generator.uniform(0.1, 1, n) for n in sizes)
    links = tuple(generator.uniform(0.1, 1, pair) for pair in pairwise(sizes))
    names = tuple(tuple(f"{layer},{i}" for i in range(n)) for layer, n in enumerate(sizes))
    return Flow(nodes, links, names, tuple(map(str, range(len(sizes)))))


def ribbons(ax):
    """Left and right heights of every ribbon."""
    ends = [path.vertices for c in ax.collections for path in c.get_paths()]
    return np.array([(v[0, 0], v[7, 1] - v[0, 1], v[4, 1] - v[3, 1]) for v in ends])


@given(st.lists(st.integers(1, 5), min_size=2, max_size=4))
def test_layers_are_filled_and_ribbons_fill_their_nodes(sizes):
    flow = some_flow(sizes)
    ax = sankey(flow)
    heights = iter([patch.get_height() for patch in ax.patches])
    for layer in flow.nodes:
        np.testing.assert_allclose([next(heights) for _ in layer], layer / layer.sum())
    drawn = ribbons(ax)
    for place in range(len(sizes) - 1):
        here = drawn[np.abs(drawn[:, 0] - place) < 0.1]
        if len(here) == sizes[place] * sizes[place + 1]:
            np.testing.assert_allclose(here[:, 1:].sum(0), 1.0)
        else:
            assert (here[:, 1:].sum(0) <= 1 + 1e-9).all()
            assert flow.links[place].min() / flow.links[place].sum() < 3 * FAINT


@given(st.integers(1, 6))
def test_the_rest_of_a_layer_is_one_node_and_nothing_is_lost(top):
    flow = some_flow([7, 5, 6])
    shown = flow.strongest(top)
    for layer, part in zip(flow.nodes, shown.nodes, strict=True):
        assert len(part) <= max(top + 1, 2)
        assert part.sum() == pytest.approx(layer.sum())
    for link, part in zip(flow.links, shown.links, strict=True):
        assert part.sum() == pytest.approx(link.sum())


def test_what_is_not_shown_by_itself_is_said():
    assert "the 2 strongest nodes of a layer stand alone" in sankey(some_flow([5, 3]), top=2).get_xlabel()
    assert "strongest" not in sankey(some_flow([5, 3])).get_xlabel()


def test_a_kan_hands_on_what_its_edges_carry():
    kan = KAN([3, [2, 1], 1], grid=3, k=3, seed=1, mult_arity=2)
    kan(torch.rand(60, 3))
    flow = flow_of(kan)
    assert [len(layer) for layer in flow.nodes] == [3, 3, 1]
    for layer, link in zip(flow.nodes, flow.links, strict=False):
        np.testing.assert_allclose(link.sum(1), layer, rtol=1e-5)
    assert "not measured" not in kan.plot.sankey().get_xlabel()
    assert [t.get_text() for t in sankey(kan, names=["a", "b", "c"]).get_yticklabels()] == ["a", "b", "c"]


def test_layers_of_attributions_are_mean_sizes_and_links_are_said_to_be_guessed():
    net = nn.Sequential(nn.Conv1d(2, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(12, 1))
    x = torch.randn(4, 2, 5)
    found = [explain(net, x, Conductance(), at=place) for place in ("1", "2")]
    flow = flow_of(found)
    np.testing.assert_allclose(flow.nodes[0], found[0].values.sum(2).abs().mean(0), rtol=1e-5)
    np.testing.assert_allclose(flow.nodes[1], found[1].values.abs().mean(0), rtol=1e-5)
    assert flow.layers == ("1", "2", "output")
    assert "ribbons are not measured" in sankey(found).get_xlabel()
    one = explain(net, x, InputXGradient())
    assert "ribbons are not measured" in one.plot.sankey().get_xlabel()


def test_a_node_that_nothing_reaches_is_grey():
    flow = Flow((np.zeros(2), np.ones(2)), (np.zeros((2, 2)),), (("a", "b"), ("c", "d")), ("in", "out"))
    ax = sankey(flow)
    assert len({patch.get_facecolor() for patch in ax.patches[2:]}) == 1
    assert not len(ribbons(ax))


@pytest.mark.parametrize("shares", [[1, 0.01, 0.01, 0.01], [0.01, 0.01, 0.01, 1], [0.01, 1, 0.01, 0.01]])
def test_names_of_small_nodes_do_not_run_into_each_other(shares):
    nodes = np.array(shares)
    names = tuple(tuple(f"{layer}{i}" for i in range(4)) for layer in "ab")
    ax = sankey(Flow((nodes, nodes), (np.ones((4, 4)),), names, ("in", "out")))
    root = ax.get_figure()
    assert root is not None
    root.draw_without_rendering()
    for texts in (ax.get_yticklabels(), ax.texts):
        boxes = [text.get_window_extent() for text in texts]
        assert [text.get_text()[1] for text in texts] == list("0123")
        assert all(below.y1 <= above.y0 for above, below in pairwise(boxes))


def test_a_network_names_its_own_columns():
    kan = KAN([3, 2, 1])
    kan.names = ["height", "width", "price in $"]
    kan.remember(torch.rand(20, 3))
    assert flow_of(kan.prune_input(active_inputs=[0, 2])).names[0] == ("height", "price in $")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"links": (np.ones((2, 3)),)}, "do not join"),
        ({"nodes": (np.ones(2), -np.ones(2))}, "strengths below 0"),
        ({"names": (("a",), ("c", "d"))}, "a name for each node"),
        ({"layers": ("in",)}, "a name for each node and layer"),
    ],
)
def test_a_flow_that_does_not_meet_says_so(change, message):
    parts = {
        "nodes": (np.ones(2), np.ones(2)),
        "links": (np.ones((2, 2)),),
        "names": (("a", "b"), ("c", "d")),
        "layers": ("in", "out"),
    }
    with pytest.raises(InputError, match=message):
        Flow(**{**parts, **change})
