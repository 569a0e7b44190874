"""What a pass over the data costs, and what follows from that."""

from __future__ import annotations

import torch

from ascribe.kan.structure import Network

# Up to this many terms of all inputs and rows double precision costs little, and steps of second order gain much by it.
_DOUBLE = 30_000_000
# Up to this many, threads wait for each other longer than they work.
ALONE = 4_000_000


def terms_of(network: Network, rows: int) -> int:
    """The terms of all inputs of all layers over all rows: the cost of a pass over them goes with their number."""
    return rows * sum(layer.in_dim * (layer.num + layer.k + 1) for layer in network.layers)


def precision(network: Network, optimiser: str, terms: int) -> torch.dtype:
    """What an optimiser works in: the network's own precision (half is too coarse), or double where that pays."""
    if optimiser != "Adam" and terms <= _DOUBLE:
        return torch.float64
    return torch.promote_types(network.layers[0].coef.dtype, torch.float32)
