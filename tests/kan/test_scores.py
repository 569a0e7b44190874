"""Scores against their definition, on sums and products; what the errors promise; what flow sums to."""

from __future__ import annotations

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan import KAN
from reference import kan as reference

float64 = torch.float64
NETWORKS = [
    ([3, 2], 2),
    ([4, 5, 1], 2),
    ([3, [2, 2], 2], 3),
    ([3, [1, 2], [1, 1], [1, 1]], [[], [2, 3], [3], [2]]),
]


def network(width, arity, seed=0):
    kan = KAN(width, mult_arity=arity, seed=seed, dtype=float64)
    generator = torch.Generator().manual_seed(seed)
    for layer in kan.layers:
        layer.coef.data += torch.randn(layer.coef.shape, generator=generator, dtype=float64)
    kan.layers[0].mask[1, 0] = 0
    return kan, torch.randn(60, kan.columns, generator=generator, dtype=float64)


@pytest.mark.parametrize(("width", "arity"), NETWORKS)
def test_scores_are_the_replicas(width, arity):
    kan, x = network(width, arity)
    found = kan.scores(x)
    for mine, theirs in zip((found.nodes, found.subnodes, found.edges), reference.scores(kan, x), strict=True):
        for a, b in zip(mine, theirs, strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("width", "arity"), NETWORKS)
def test_attribute_is_the_replica_for_every_node(width, arity):
    kan, x = network(width, arity)
    kan.remember(x)
    for l in range(kan.depth + 1):
        for i in range(kan.nodes(l)):
            torch.testing.assert_close(kan.attribute(l, i), reference.attribution(kan, x, l, i))
        assert kan.attribute(l).shape == (kan.nodes(l), 3 if width[0] == 3 else 4)
    torch.testing.assert_close(kan.attribute().mean(0), kan.feature_score)


def test_attribute_leaves_nothing_behind():
    kan, x = network([4, 5, 1], 2)
    kan.remember(x)
    before = kan.prune_edge(0.1).n_edge
    kan.attribute(1, 2)
    assert kan.prune_edge(0.1).n_edge == before


@pytest.mark.parametrize(
    ("l", "i", "message"), [(3, 0, "layer 3 does not exist"), (1, 5, "no node 5"), (1, -1, "no node")]
)
def test_nodes_that_do_not_exist(l, i, message):
    kan, x = network([4, 5, 1], 2)
    with pytest.raises(InputError, match=message):
        kan.attribute(l, i, x)


def test_a_constant_output_changes_no_score():
    kan, x = network([3, 4, 2], 2)
    kan.layers[1].mask[:, 1] = 0
    alone = KAN([3, 4, 1], dtype=float64)
    alone.layers[0].load_state_dict(kan.layers[0].state_dict())
    for name in ("coef", "scale_base", "scale_sp", "mask"):
        getattr(alone.layers[1], name).data.copy_(getattr(kan.layers[1], name).data[:, :1])
    torch.testing.assert_close(kan.scores(x).nodes[0], alone.scores(x).nodes[0])


def test_an_output_that_is_constant_but_for_rounding_changes_no_score():
    kan = KAN([2, 2])
    kan.layers[0].coef.data[:, 1] = 3.0
    kan.layers[0].scale_base.data[:, 1] = 0.0
    x = torch.rand(200, 2)
    single = kan.layers[0]
    expected = torch.stack([single.edges(x, spread=True)[1][:, 0], torch.zeros(2)])[0] / (kan(x)[:, 0].std() + 1e-4)
    torch.testing.assert_close(kan.scores(x).nodes[0], expected.detach())


def test_flow_shares_sum_to_one():
    kan, x = network([3, [1, 2], [1, 1], [1, 1]], [[], [2, 3], [3], [2]])
    flows = kan.flow(x)
    assert [tuple(f.shape) for f in flows] == [(3, 3), (3, 3), (2, 3), (2, 3)]
    for f in flows:
        torch.testing.assert_close(f.sum(1), torch.ones(len(f), dtype=float64))
    assert torch.equal(flows[0], torch.eye(3, dtype=float64))


def test_flow_of_a_node_that_does_not_move_is_zero():
    kan, x = network([3, 2, 1], 2)
    kan.layers[0].mask[:, 0] = 0
    assert torch.equal(kan.flow(x)[1][0], torch.zeros(3, dtype=float64))


def test_bootstrap_errors_are_the_scatter_over_samples():
    kan, _ = network([3, 2, 1], 2)
    x = torch.randn(400, 3, dtype=float64)
    found = kan.scores(x, bootstrap=60)
    samples = torch.stack([kan.scores(torch.randn(400, 3, dtype=float64)).nodes[0] for _ in range(60)])
    ratio = found.error.nodes[0] / samples.std(0)
    assert bool(((ratio > 0.6) & (ratio < 1.6)).all())
    assert [e.shape for e in found.error.edges] == [e.shape for e in found.edges]
    again = kan.scores(x, bootstrap=60)
    assert torch.equal(again.error.nodes[0], found.error.nodes[0])


def test_one_row_has_scores_of_zero():
    kan, x = network([3, 2, 1], 2)
    found = kan.scores(x[:1])
    assert all(bool((n == 0).all()) for n in found.nodes)


def test_scores_keep_no_graph():
    kan, x = network([3, 2, 1], 2)
    kan(x)
    assert not kan.feature_score.requires_grad
    assert not kan.attribute(1, 0).requires_grad
