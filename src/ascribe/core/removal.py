"""How a feature is absent: its entry is that of the reference."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor


def absent(
    z: Shaped[Tensor, "n *shape"], keep: Bool[Tensor, "n *shape"], z0: Shaped[Tensor, "#n *shape"]
) -> Shaped[Tensor, "n *shape"]:
    """`z` where kept, the reference `z0` elsewhere.

    >>> absent(torch.ones(1, 3), torch.tensor([[True, False, True]]), torch.zeros(1, 3))
    tensor([[1., 0., 1.]])
    """
    return torch.where(keep, z, z0)
