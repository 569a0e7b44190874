"""The peers compute what they stand for, or the comparison would mean nothing."""

from __future__ import annotations

import pytest
import torch
from benchmarks.contenders import TORCH_ONLY, network
from benchmarks.peers import efficient_kan, fast_kan, mlp

from ascribe import KANLayer


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_layer_after_efficient_kan_is_a_layer_of_splines(order: int):
    peer = efficient_kan.Layer(5, 4, cells=6, order=order).double()
    ours = KANLayer(5, 4, num=6, k=order, extrapolate="zero", dtype=torch.float64)
    with torch.no_grad():
        ours.grid.copy_(peer.knots)
        ours.coef.copy_(peer.coefficients.transpose(0, 1))
        ours.scale_base.copy_(peer.base.T)
        ours.scale_sp.copy_(peer.scale.T)
    x = torch.linspace(-0.99, 0.99, 35, dtype=torch.float64).reshape(7, 5)
    torch.testing.assert_close(peer(x), ours(x), rtol=1e-10, atol=1e-12)


def test_the_layer_after_fast_kan_is_a_sum_of_gaussians():
    torch.manual_seed(0)
    layer, x = fast_kan.Layer(3, 2, bases=8).double(), torch.randn(4, 3, dtype=torch.float64)
    normal = (x - x.mean(1, keepdim=True)) / (x.var(1, unbiased=False, keepdim=True) + layer.norm.eps).sqrt()
    for row in range(4):
        for j in range(2):
            total = layer.base.bias[j] + (layer.base.weight[j] * x[row] * torch.sigmoid(x[row])).sum()
            for i in range(3):
                for b in range(8):
                    distance = (normal[row, i] - (-2 + b * 4 / 7)) / (4 / 7)
                    total = total + layer.weight[j, i * 8 + b] * torch.exp(-(distance**2))
            torch.testing.assert_close(layer(x)[row, j], total)


@pytest.mark.parametrize(("width", "cells"), [([784, 64, 10], 5), ([8, 16, 1], 5), ([64, 4, 1], 100)])
def test_the_perceptron_has_as_many_parameters(width: list[int], cells: int):
    parameters = sum(p.numel() for p in mlp.network(width, cells).parameters())
    assert parameters == pytest.approx(mlp.coefficients(width, cells), rel=0.01)


@pytest.mark.parametrize("name", TORCH_ONLY)
def test_a_seed_gives_one_network_and_moves_no_generator(name: str):
    before = torch.get_rng_state()
    x = torch.linspace(-1, 1, 12).reshape(4, 3)
    first, second = (network(name, [3, 2, 1], seed=5) for _ in range(2))
    assert torch.equal(first(x), second(x))
    assert torch.equal(torch.get_rng_state(), before)
