"""Pruning: what goes, what stays, that the old network is whole, and that no network is cut in two."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.reshape.prune import strongest_path
from reference import kan as reference

float64 = torch.float64


def products(seed=0):
    kan = KAN([4, [3, 2], [2, 1], 2], mult_arity=[[], [2, 3], [3], []], seed=seed, dtype=float64, noise_scale=3.0)
    generator = torch.Generator().manual_seed(seed)
    for affine in (*kan.subnode_scale, *kan.subnode_bias, *kan.node_scale, *kan.node_bias):
        affine.data += 0.3 * torch.randn(affine.shape, generator=generator, dtype=float64)
    x = torch.rand(80, 4, generator=generator, dtype=float64) * 2 - 1
    kan.remember(x)
    return kan, x


def silenced(kan, x, gone):
    """The network with the edges of some nodes held at their means over x, one layer after the other."""
    means = [edges.mean(0) for _, edges, _ in reference.edge_values(kan, x)]
    h = x
    for l, layer in enumerate(kan.layers):
        sums = layer(h)
        for i in gone.get(l, []):
            alone = layer.mask.clone()
            layer.mask.zero_()[i] = alone[i]
            sums = sums - layer(h) + means[l][i]
            layer.mask.copy_(alone)
        h = kan.to_nodes(l, sums)
    return h


def test_nodes_that_feed_nothing_go_and_change_nothing():
    kan, x = products()
    kan.layers[1].mask[[1, 4]] = 0  # a sum node and the product of three
    kan.layers[2].mask[2] = 0  # the product of the second hidden layer
    small = kan.prune_node()
    assert small.width == [[4, 0], [2, 1], [2, 0], [2, 0]]
    assert small.arity == [[], [2], [], []]
    torch.testing.assert_close(small(x), kan(x), rtol=1e-12, atol=1e-12)
    assert small.layers[0].coef.requires_grad
    assert not small.node_bias[0].requires_grad


def test_given_nodes_are_the_ones_that_stay():
    kan, x = products()
    small = kan.prune_node(active_neurons_id=[[0, 4], [1, 2]])
    assert small.width == [[4, 0], [1, 1], [1, 1], [2, 0]]
    assert small.arity == [[], [3], [3], []]
    torch.testing.assert_close(small(x), silenced(kan, x, {1: [1, 2, 3], 2: [0]}), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("given", [[[0]], [[], [0]], [[9], [0]], [[-1], [0]]])
def test_nodes_that_do_not_exist(given):
    kan, _ = products()
    with pytest.raises(InputError, match="threshold is NaN"):
        kan.prune(float("nan"))
    with pytest.raises(InputError, match=r"hidden layers of \[5, 3\] nodes"):
        kan.prune_node(active_neurons_id=given)


def test_edges_at_or_below_the_threshold_go():
    kan, _ = products()
    found = kan.scores().edges
    path = strongest_path(kan, kan.scores())
    small = kan.prune_edge(0.2)
    for layer, edges, needed in zip(small.layers, found, path, strict=True):
        assert torch.equal(layer.mask != 0, (edges > 0.2) | needed)


def test_what_goes_leaves_its_mean_behind():
    kan, x = products()
    kan = KAN([4, 5, 1], dtype=float64)
    kan.layers[1].scale_base.data += 2.0
    kan.remember(x)
    small = kan.prune_node(active_neurons_id=[[0, 3]])
    torch.testing.assert_close(small(x).mean(), kan(x).mean())
    unlike = kan.prune_node(active_neurons_id=[[0, 3]], x=x[:10])
    torch.testing.assert_close(unlike(x[:10]).mean(), kan(x[:10]).mean())
    edges = KAN([4, 1], dtype=float64)
    edges.remember(x)
    fewer = edges.prune_edge(float(edges.scores().edges[0].median()))
    assert fewer.n_edge == 2
    torch.testing.assert_close(fewer(x).mean(), edges(x).mean())


def test_nodes_can_be_named_without_data():
    kan = KAN([2, 3, 1])
    assert kan.prune_node(active_neurons_id=[[1]]).width == [[2, 0], [1, 0], [1, 0]]
    assert kan.prune_input(active_inputs=[1]).input_id.tolist() == [1]


def test_prune_is_nodes_then_edges():
    kan, x = products()
    both = kan.prune(0.1, 0.2)
    steps = kan.prune_node(0.1).prune_edge(0.2)
    assert both.width == steps.width
    assert torch.equal(both(x), steps(x))


@given(st.integers(0, 30), st.sampled_from([(1, 1), (0.3, 0.5), (1e6, 1e6)]))
def test_the_old_network_is_whole_and_the_new_one_connected(seed, thresholds):
    kan, x = products(seed)
    y, edges, state = kan(x), kan.n_edge, {n: t.clone() for n, t in kan.state_dict().items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        small = kan.prune(float(thresholds[0]), float(thresholds[1])).prune_input(float(thresholds[0]))
    assert torch.equal(kan(x), y)
    assert kan.n_edge == edges
    assert all(torch.equal(t, kan.state_dict()[n]) for n, t in state.items())
    assert small(x).std(0).max().item() > 0
    small.layers[0].coef.data.zero_()
    assert torch.equal(kan(x), y)


def test_it_says_when_pruning_would_cut_the_network():
    kan, _ = products()
    with pytest.warns(UserWarning, match="cut the network in two.*strongest path stays"):
        kan.prune_node(1e6)
    with pytest.warns(UserWarning, match="cut the network in two"):
        kan.prune_edge(1e6)
    with pytest.warns(UserWarning, match="cut the network in two"):
        assert kan.prune_input(1e6).nodes(0) == 1


def test_a_product_keeps_all_its_factors():
    kan = KAN([2, [0, 1], 1], mult_arity=[[], [3], []], dtype=float64)
    x = torch.randn(50, 2, dtype=float64)
    kan.remember(x)
    with pytest.warns(UserWarning, match="cut"):
        small = kan.prune(1e6, 1e6)
    assert small.layers[0].mask.sum(0).tolist() == [1, 1, 1]
    assert small(x).std().item() > 0


def test_inputs_go_and_the_columns_stay():
    kan, x = products()
    kan.layers[0].mask[1] = 0
    small = kan.prune_input()
    assert small.input_id.tolist() == [0, 2, 3]
    assert torch.equal(small(x), kan(x))
    assert small.feature_score.shape == (3,)
    smaller = small.prune_input(active_inputs=[0, 2]).prune(0.0, 0.0).refine(5)
    assert smaller.input_id.tolist() == [0, 3]
    torch.testing.assert_close(smaller(x), silenced(kan, x, {0: [1, 2]}))
    smaller.update_grid(x)
    assert [len(s) for s in smaller.out_of_range(x)] == [2, 5, 3]
    with pytest.raises(InputError, match="exactly 4 columns"):
        smaller(x[:, :2])


@pytest.mark.parametrize("given", [[], [4], [-1]])
def test_inputs_that_do_not_exist(given):
    kan, _ = products()
    with pytest.raises(InputError, match="fit 4 inputs"):
        kan.prune_input(active_inputs=given)


def test_settings_and_training_go_on():
    kan = KAN([2, 3, 1], grid_eps=0.3, affine_trainable=True, sp_trainable=False, extrapolate="zero")
    kan.remember(torch.rand(50, 2))
    small = kan.prune(0.0, 0.0)
    assert small.layers[0].grid_eps == 0.3
    assert small.layers[0].extrapolate == "zero"
    assert small.node_bias[0].requires_grad
    assert not small.layers[0].scale_sp.requires_grad
    small(torch.rand(5, 2)).sum().backward()


def test_without_data_it_says_what_to_type():
    with pytest.raises(InputError, match=r"call fit\(...\) first, or pass the data"):
        KAN([2, 3, 1]).prune()
    KAN([2, 3, 1]).prune(0.0, 0.0, x=torch.rand(20, 2))


def symbolic(seed=0):
    """The network of products, with functions in the place of some splines and beside one."""
    kan, x = products(seed)
    kan.fix(0, 1, 2, "sin", [1.0, 0.2, 0.8, 0.1])
    kan.fix(0, 3, 5, "x^2", [0.5, 0.1, 0.9, 0.3])
    kan.fix(1, 0, 1, "exp", [0.3, 0.0, 0.7, 0.2])
    kan.fix(2, 1, 1, "tanh", [1.3, 0.0, 0.9, 0.2])
    kan.layers[2].mask[1, 1] = 1
    return kan, x


def whole_edges(kan, x):
    """For every layer its edges at its nodes, functions with splines."""
    return [layer.curves(nodes) for layer, nodes in zip(kan.layers, kan.activations(x).nodes, strict=True)]


@given(st.integers(0, 20))
def test_scores_of_symbolic_edges_are_those_of_the_same_curves(seed):
    kan, x = symbolic(seed)
    seen = kan.activations(x)
    at = torch.eye(2, dtype=float64) / 2
    for l in (2, 1, 0):
        share = whole_edges(kan, x)[l].std(0) / (seen.subnodes[l].std(0) + 1e-4)
        at_subnodes = at[:, kan.owners(l + 1)]
        edges = at_subnodes[:, None] * share
        torch.testing.assert_close(kan.scores().edges[l], edges.sum(0))
        at = edges.sum(2)
    torch.testing.assert_close(kan.feature_score, at.sum(0))


@pytest.mark.parametrize("edge", [(0, 1, 2), (1, 0, 1), (2, 1, 1)])
def test_a_function_that_does_not_vary_goes_and_changes_nothing(edge):
    kan, x = symbolic()
    l, i, j = edge
    kan.fix(l, i, j, "sin", [0.0, 0.4, 2.0, 0.7])
    kan.layers[l].mask[i, j] = 0
    small = kan.prune_edge(1e-9)
    assert small.mode(l, i, j) == ""
    assert small.n_edge == kan.n_edge - 1
    torch.testing.assert_close(small(x), kan(x), rtol=1e-12, atol=1e-12)


@given(st.integers(0, 20), st.sampled_from([0.3, 1e6]))
def test_what_stays_of_symbolic_edges_is_what_it_was(seed, threshold):
    kan, x = symbolic(seed)
    before = {n: t.clone() for n, t in kan.state_dict().items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        small = kan.prune_edge(threshold)
    found, path = kan.scores(), strongest_path(kan, kan.scores())
    for l, (layer, kept, needed) in enumerate(zip(kan.layers, small.layers, path, strict=True)):
        stays = layer.present & ((found.edges[l] > threshold) | needed)
        assert torch.equal(kept.present, stays)
        nodes = kan.activations(x).nodes[l]
        torch.testing.assert_close(kept.curves(nodes), layer.curves(nodes) * stays)
    assert small(x).std(0).max().item() > 0
    assert all(torch.equal(t, kan.state_dict()[n]) for n, t in before.items())


def test_the_strongest_path_may_be_one_of_functions():
    kan = KAN([2, 2, 1], dtype=float64)
    x = torch.rand(60, 2, generator=torch.Generator().manual_seed(0), dtype=float64)
    kan.fix(0, 1, 0, "x", [1.0, 0.0, 50.0, 0.0])
    kan.fix(1, 0, 0, "x", [1.0, 0.0, 50.0, 0.0])
    kan.remember(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        small = kan.prune(1e6, 1e6).prune_input(0.5)
    assert (small.width, small.n_edge, small.input_id.tolist()) == ([[1, 0], [1, 0], [1, 0]], 2, [1])
    assert [layer.symbolic.names for layer in small.layers] == [("x",), ("x",)]
    assert (small(x) - 2500 * x[:, [1]]).std() < 1e-2 * kan(x).std()


def test_nodes_go_with_their_functions_and_leave_their_means():
    kan, x = symbolic()
    small = kan.prune_node(active_neurons_id=[[0, 4], [0, 1]])
    assert [layer.symbolic.names for layer in small.layers] == [("x^2",), ("exp",), ("tanh",)]
    gone = whole_edges(kan, x)[1][:, [1, 2, 3]].mean(0).sum(0)[[0, 1]]
    kept = small.activations(x).subnodes[1] * small.subnode_scale[1] + small.subnode_bias[1]
    alone = whole_edges(kan, x)[1][:, [0, 4]].sum(1)[:, [0, 1]] + gone
    expected = alone * kan.subnode_scale[1][:2] + kan.subnode_bias[1][:2]
    torch.testing.assert_close(kept, expected)
