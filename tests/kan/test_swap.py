"""Hidden nodes in another order: the function stays, the cost falls, and everything a node owns goes with it."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.reshape.swap import connection_cost

float64 = torch.float64


def mixed(seed=0):
    """Sums and products of three and two, affines that are no identities, symbolic edges and both kinds at once."""
    kan = KAN([3, [3, 2], [2, 2], 2], mult_arity=[[], [3, 2], [2, 2], []], seed=seed, dtype=float64, noise_scale=2.0)
    generator = torch.Generator().manual_seed(seed)
    for affine in (*kan.subnode_scale, *kan.subnode_bias, *kan.node_scale, *kan.node_bias):
        affine.data += 0.3 * torch.randn(affine.shape, generator=generator, dtype=float64)
    kan.fix(0, 1, 2, "sin", [1.0, 0.2, 0.5, 0.1])
    kan.fix(0, 2, 7, "x^2", [0.5, 0.1, 0.5, 0.0])
    kan.fix(1, 3, 1, "exp", [0.3, 0.0, 0.4, 0.2])
    kan.fix(1, 0, 4, "tanh", [1.3, 0.0, 0.4, 0.2])
    kan.layers[1].mask[0, 4] = 1
    kan.layers[0].mask[0, 1] = 0
    x = torch.rand(60, 3, generator=generator, dtype=float64) * 2 - 1
    kan.remember(x)
    return kan, x


@given(st.integers(0, 20), st.sampled_from([(1, 0, 2), (1, 1, 2), (1, 3, 4), (2, 0, 1), (2, 2, 3), (1, 1, 1)]))
def test_a_swap_keeps_the_function_and_the_old_network(seed, nodes):
    kan, x = mixed(seed)
    before, y = {n: t.clone() for n, t in kan.state_dict().items()}, kan(x)
    swapped = kan.swap(*nodes)
    torch.testing.assert_close(swapped(x), y, rtol=1e-12, atol=1e-12)
    l, a, b = nodes
    place = {a: b, b: a}
    hidden, moved = kan.activations(x).nodes[l], swapped.activations(x).nodes[l]
    order = [place.get(i, i) for i in range(kan.nodes(l))]
    torch.testing.assert_close(moved, hidden[:, order], rtol=1e-12, atol=1e-12)
    back = swapped.swap(*nodes)
    assert all(torch.equal(t, back.state_dict()[n]) for n, t in before.items())
    assert all(torch.equal(t, kan.state_dict()[n]) for n, t in before.items())
    assert back.arity == kan.arity


def test_a_swap_is_a_version_and_goes_on_training():
    kan, x = mixed()
    swapped = kan.swap(1, 0, 1)
    assert swapped.history[-1].endswith("swap")
    assert swapped.layers[0].coef.requires_grad
    assert not swapped.node_bias[0].requires_grad
    torch.testing.assert_close(swapped.rewind(kan.versions.name)(x), kan(x))
    swapped(x).sum().backward()
    assert kan.layers[0].coef.grad is None


@pytest.mark.parametrize("nodes", [(0, 0, 1), (3, 0, 1), (1, 0, 4), (1, 0, 9), (1, -1, 0)])
def test_swaps_that_cannot_be(nodes):
    kan, _ = mixed()
    with pytest.raises(InputError, match=r"hidden|cannot change places"):
        kan.swap(*nodes)


def slow_cost(kan):
    """Every edge, one by one."""
    total = 0.0
    for layer in kan.scores().edges:
        inputs, outputs = layer.shape
        for i in range(inputs):
            for j in range(outputs):
                total += abs((i + 0.5) / inputs - (j + 0.5) / outputs) * float(layer[i, j])
    return total


@given(st.integers(0, 20))
@settings(max_examples=8)
def test_auto_swap_keeps_the_function_and_no_swap_is_better(seed):
    kan, x = mixed(seed)
    better = kan.auto_swap()
    torch.testing.assert_close(better(x), kan(x), rtol=1e-12, atol=1e-12)
    assert connection_cost(kan) == pytest.approx(slow_cost(kan))
    assert connection_cost(better) <= connection_cost(kan) * (1 + 1e-12)
    for l in (1, 2):
        sums = better.width[l][0]
        for a, b in combinations(range(better.nodes(l)), 2):
            if (a < sums) == (b < sums):
                assert connection_cost(better.swap(l, a, b)) >= connection_cost(better) * (1 - 1e-9)


def test_nodes_go_above_what_they_read():
    kan = KAN([3, 3, 1], dtype=float64)
    kan.layers[0].mask.copy_(torch.eye(3, dtype=float64)[[2, 0, 1]])
    kan.remember(torch.rand(40, 3, dtype=float64))
    assert torch.equal(kan.auto_swap().layers[0].mask, torch.eye(3, dtype=float64))
