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
    splines: tuple[Float[Tensor, "_ _"], ...]  # spreads of the edges without what is symbolic in them


def deviation(x: Float[Tensor, "n columns"]) -> Float[Tensor, " columns"]:
    """The unbiased standard deviation of every column; 0 for fewer than two rows, with slope 0 where nothing moves."""
    # By hand, as torch's own goes down the columns of a matrix many times as slowly.
    centred = x - x.sum(0) / max(1, len(x))
    variance = (centred * centred).sum(0) / max(1, len(x) - 1)
    still = variance == 0
    return torch.where(still, 0.0, torch.where(still, 1.0, variance).sqrt())
