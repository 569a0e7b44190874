"""What passed through a network in one forward pass: the input of its regulariser, its scores and its picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Activations:
    """One entry a layer; everything keeps its graph when gradients are on."""

    nodes: tuple[Float[Tensor, "n _"], ...]
    subnodes: tuple[Float[Tensor, "n _"], ...]  # before their affine
    spreads: tuple[Float[Tensor, "_ _"], ...]
    output: Float[Tensor, "n outputs"]


def deviation(x: Float[Tensor, "n columns"]) -> Float[Tensor, " columns"]:
    """The unbiased standard deviation of every column; 0 for fewer than two rows, with slope 0 where nothing moves."""
    # As a norm: torch's own `std` goes down the columns of a matrix six times as slowly.
    return torch.linalg.vector_norm(x - x.mean(0), dim=0) / (len(x) - 1) ** 0.5 if len(x) > 1 else x.sum(0) * 0
