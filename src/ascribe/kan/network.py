"""The KAN that users hold: the network, and one thin method for everything that can be done with it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ascribe.core.drawing import Drawer
from ascribe.kan import regularization as penalties
from ascribe.kan import scores as scoring
from ascribe.kan.scores import Scores
from ascribe.kan.structure import Network


class KAN(Network):
    """A Kolmogorov-Arnold network: a plain nn.Module that fits, scores, prunes, refines and shows itself.

    >>> import torch
    >>> KAN([4, 5, 1])(torch.zeros(3, 4)).shape
    torch.Size([3, 1])
    """

    plot = Drawer()

    def fit(self, dataset: Any, **settings: Any) -> Any:
        from ascribe.kan.fit import fit

        return fit(self, dataset, **settings)

    def copy(self) -> KAN:
        """An independent network with the same values, structure and history."""
        return copy.deepcopy(self)

    def regularization(
        self,
        metric: str = "edge_forward_spline_n",
        lamb_l1: float = 1.0,
        lamb_entropy: float = 2.0,
        lamb_coef: float = 0.0,
        lamb_coefdiff: float = 0.0,
    ) -> Float[Tensor, ""]:
        """The penalty of `fit`, for a loop of your own: on the input of the last forward, with gradients back into it."""
        seen = self.activations(self.last_input())
        return penalties.regularization(self, seen, metric, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff)

    def scores(self, x: Tensor | None = None, bootstrap: int = 0, seed: int = 0) -> Scores:
        return scoring.scores(self, x, bootstrap, seed)

    @property
    def feature_score(self) -> Float[Tensor, " inputs"]:
        """The score of every input on the remembered data."""
        return scoring.scores(self).nodes[0]

    def attribute(self, l: int | None = None, i: int | None = None, x: Tensor | None = None) -> Tensor:
        return scoring.attribute(self, l, i, x)

    def flow(self, x: Tensor | None = None) -> list[Float[Tensor, "nodes inputs"]]:
        return scoring.flow(self, x)
