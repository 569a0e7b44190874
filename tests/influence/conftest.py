"""A small network with three checkpoints, and data."""

import pytest
import torch
from torch import nn

from reference.influence import normal


@pytest.fixture
def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(), nn.Linear(4, 2)).double()


@pytest.fixture
def train():
    return normal(1, 7, 3), torch.tensor([0, 1, 1, 0, 1, 0, 0])


@pytest.fixture
def test():
    return normal(2, 4, 3), torch.tensor([1, 0, 0, 1])
