"""The network of the house-price program, on which attribution is measured: 8-100-50-10-1, 180 rows."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

ROWS, FEATURES, BACKGROUND = 180, 8, 420


def network(features: int = FEATURES) -> nn.Module:
    """Random weights: times do not depend on them. `lin2` is the second layer, as in the program."""
    sizes = [features, 100, 50, 10, 1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential()
        for number, (n, m) in enumerate(itertools.pairwise(sizes), 1):
            net.add_module(f"lin{number}", nn.Linear(n, m))
            if m > 1:
                net.add_module(f"relu{number}", nn.ReLU())
    return net.eval()


def rows(count: int = ROWS, seed: int = 1, features: int = FEATURES) -> Tensor:
    """Standard normal, as standardised columns are."""
    return torch.randn(count, features, generator=torch.Generator().manual_seed(seed))
