"""One edge at a time: what it reads and what it gives, spline, function or both; and which inputs come together."""

from __future__ import annotations

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan import KAN

float64 = torch.float64


def test_an_edge_is_what_the_layer_adds_up():
    kan = KAN([2, [1, 1], 1], dtype=float64, k=2, grid=4)
    kan.fix(0, 1, 0, "sin", [2.0, 0.1, 1.5, 0.3])
    kan.fix(1, 1, 0, "x^2", [1.0, 0.0, 1.0, 0.0])
    kan.layers[1].mask[1, 0] = 0.5
    kan.layers[0].mask[0, 2] = 0
    x = torch.rand(30, 2, generator=torch.Generator().manual_seed(0), dtype=float64) * 3 - 1.5
    nodes = kan.activations(x).nodes
    for l, layer in enumerate(kan.layers):
        every = layer.curves(nodes[l])
        for i in range(layer.in_dim):
            order = nodes[l][:, i].argsort()
            for j in range(layer.out_dim):
                inputs, values = kan.get_fun(l, i, j, x)
                assert torch.equal(inputs, nodes[l][order, i])
                torch.testing.assert_close(values, every[order, i, j].detach(), rtol=1e-12, atol=1e-12)
                assert not values.requires_grad
                low, high, least, most = kan.get_range(l, i, j, x)
                assert (low, high) == (float(inputs[0]), float(inputs[-1]))
                assert (least, most) == (float(values.min()), float(values.max()))
    kan.remember(x[:3])
    assert len(kan.get_fun(0, 0, 0)[0]) == 3
    with pytest.raises(InputError, match="no edge from node 2"):
        kan.get_fun(0, 2, 0)
    with pytest.raises(InputError, match="no rows"):
        kan.get_range(0, 0, 0, x[:0])


def test_inputs_that_come_together():
    kan = KAN([3, 4, 2], dtype=float64)
    mask = torch.tensor([[1, 0, 1, 0], [1, 1, 1, 0], [0, 1, 0, 0]], dtype=float64)
    kan.layers[0].mask.copy_(mask)
    kan.remember(torch.rand(50, 3, dtype=float64))
    assert kan.feature_interaction(1) == {(0, 1): 2, (1, 2): 1}
    assert kan.feature_interaction(2, feature_th=1e-6) == {(0, 1, 2): 2}
    assert kan.feature_interaction(0) == {(0,): 1, (1,): 1, (2,): 1}
    assert kan.feature_interaction(1, neuron_th=10.0) == {}
    assert set(kan.feature_interaction(1, feature_th=0.999)) <= {(0,), (1,), (2,)}
    with pytest.raises(InputError, match="layer 3 does not exist"):
        kan.feature_interaction(3)


def test_the_tree_of_a_network():
    kan = KAN([3, 1, 1], dtype=float64)
    kan.names = ["a", "b", "c"]
    kan.remember(torch.rand(80, 3, dtype=float64) * 2 - 1)
    found = kan.tree()
    assert found.names == ("a", "b", "c")
    assert found.kind in ("of a sum", "sum")
    assert len(found.children) == 3
