"""Nodes without edges, in networks whose nodes have scales and biases."""

from __future__ import annotations

import torch

from ascribe.kan.network import KAN


def test_a_network_with_an_idle_node_and_a_bias_learns():
    x = torch.linspace(-1, 1, 100, dtype=torch.float64)[:, None]
    kan = KAN([1, 2, 1], seed=1, dtype=torch.float64)
    kan.layers[0].remove(0, 1)
    with torch.no_grad():
        kan.subnode_bias[0][0] = 0.2
    losses = kan.fit((x, torch.sin(3 * x)), steps=10, progress=False)["train_loss"]
    assert losses[-1] < 0.01
