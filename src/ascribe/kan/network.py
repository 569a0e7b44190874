"""The KAN that users hold: the network, and one thin method for everything that can be done with it."""

from __future__ import annotations

import copy
from typing import Any

from ascribe.kan.structure import Network


class KAN(Network):
    """A Kolmogorov-Arnold network: a plain nn.Module that fits, scores, prunes, refines and shows itself.

    >>> import torch
    >>> KAN([4, 5, 1])(torch.zeros(3, 4)).shape
    torch.Size([3, 1])
    """

    def fit(self, dataset: Any, **settings: Any) -> Any:
        from ascribe.kan.fit import fit

        return fit(self, dataset, **settings)

    def copy(self) -> KAN:
        """An independent network with the same values, structure and history."""
        return copy.deepcopy(self)
