"""A multilayer perceptron with one hidden layer and as many parameters as a KAN has functions' coefficients."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import nn


def coefficients(width: Sequence[int], cells: int, order: int = 3) -> int:
    """The free numbers of a KAN's functions: a base weight and the splines' on an edge. A scale adds no freedom."""
    return sum(n * m * (1 + cells + order) for n, m in itertools.pairwise(width))


def hidden(inputs: int, outputs: int, parameters: int) -> int:
    """The nodes of the hidden layer that bring a perceptron with biases nearest to `parameters`."""
    return max(1, round((parameters - outputs) / (inputs + outputs + 1)))


def network(width: Sequence[int], cells: int, order: int = 3) -> nn.Sequential:
    """With ReLU, the cheapest activation there is."""
    nodes = hidden(width[0], width[-1], coefficients(width, cells, order))
    return nn.Sequential(nn.Linear(width[0], nodes), nn.ReLU(), nn.Linear(nodes, width[-1]))
