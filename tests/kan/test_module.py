"""Edges taken away by hand: those and no others, splines and functions, from a new network."""

from __future__ import annotations

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan import KAN

float64 = torch.float64


def network():
    kan = KAN([3, [2, 1], 2], mult_arity=[[], [2], []], dtype=float64)
    kan.fix(0, 0, 0, "sin", [1.0, 0.0, 1.0, 0.0])
    kan.fix(1, 2, 1, "x^2", [1.0, 0.0, 1.0, 0.0])
    return kan


def present(kan):
    return [layer.present.int().tolist() for layer in kan.layers]


def test_an_edge_goes_and_nothing_else():
    kan = network()
    x = torch.rand(20, 3, dtype=float64)
    for l, i, j in ((0, 0, 0), (0, 2, 3), (1, 2, 1)):
        less = kan.remove_edge(l, i, j)
        expected = [layer.present.int() for layer in kan.layers]
        expected[l][i, j] = 0
        assert present(less) == [e.tolist() for e in expected]
        assert less.n_edge == kan.n_edge - 1
        edge = kan.layers[l].curves(kan.activations(x).nodes[l])[:, i, j]
        sums = kan.activations(x).subnodes[l][:, j] - less.activations(x).subnodes[l][:, j]
        torch.testing.assert_close(sums, edge)
    assert kan.n_edge == 18
    with pytest.raises(InputError, match="no edge from node 3"):
        kan.remove_edge(0, 3, 0)


def test_the_edges_of_a_node():
    kan = network()
    assert present(kan.remove_node(1, 2)) == [[[1, 1, 0, 0]] * 3, [[1, 1], [1, 1], [0, 0]]]
    assert present(kan.remove_node(1, 2, "down")) == [[[1, 1, 0, 0]] * 3, [[1, 1]] * 3]
    assert present(kan.remove_node(1, 0, "up")) == [[[1, 1, 1, 1]] * 3, [[0, 0], [1, 1], [1, 1]]]
    assert present(kan.remove_node(0, 0))[0] == [[0] * 4, [1] * 4, [1] * 4]
    assert present(kan.remove_node(2, 1))[1] == [[1, 0]] * 3
    with pytest.raises(InputError, match="mode='left'"):
        kan.remove_node(1, 0, "left")
    with pytest.raises(InputError, match="no node 3 in layer 1"):
        kan.remove_node(1, 3)


def test_a_module_is_cut_loose():
    kan = network()
    cut = kan.module(0, "[0, 1]->[0,-1]->[0,-1]->[1]")
    first = [[1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]]
    assert present(cut) == [first, [[0, 1], [1, 0], [0, 1]]]
    assert present(kan.module(1, "[1]->[0]")) == [[[1] * 4] * 3, [[0, 1], [1, 0], [0, 1]]]
    assert kan.n_edge == 18
    assert cut.history[-1].endswith("module")


@pytest.mark.parametrize("chain", ["[0]", "[0]->[0]->[0]", "0->1", "[0]->[9]", "[-4]->[0]", "[]->[0]"])
def test_chains_that_do_not_read(chain):
    with pytest.raises(InputError, match=r"does not read as|are not all among"):
        network().module(0, chain)


def test_a_module_has_to_fit():
    with pytest.raises(InputError, match="do not fit a network of 2"):
        network().module(1, "[0]->[0]->[0]->[0]")
