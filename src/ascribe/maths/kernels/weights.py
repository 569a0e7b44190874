"""The numbers of the edges of a layer, as a layer or an optimiser holds them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Weights(NamedTuple):
    r"""$\varphi_{ij} = base_{ij}\, b + scale_{ij} \sum_m coef_{ijm} B_{im}$, and $scale = 1$ where there is none.

    Any strides: no kernel asks for a copy. An edge whose base and scale are 0 costs nothing.
    """

    base: Float[Tensor, "inputs outputs"]
    coef: Float[Tensor, "inputs outputs bases"]
    scale: Float[Tensor, "inputs outputs"] | None = None

    @classmethod
    def of(cls, folded: Float[Tensor, "inputs terms outputs"]) -> Weights:
        """Views of one weight a term, as `fit` holds them."""
        return cls(folded[:, 0], folded[:, 1:].mT)

    def folded(self) -> Float[Tensor, "inputs outputs terms"]:
        """One weight a term."""
        spline = self.coef if self.scale is None else self.coef * self.scale[..., None]
        return torch.cat([self.base[..., None], spline], -1)

    def unfolded(self, gradient: Float[Tensor, "inputs outputs terms"]) -> Weights:
        """A gradient in the folded weights as one in these."""
        base, spline = gradient[..., 0], gradient[..., 1:]
        if self.scale is None:
            return Weights(base, spline)
        return Weights(base, spline * self.scale[..., None], (spline * self.coef).sum(-1))

    def detach(self) -> Weights:
        return Weights(self.base.detach(), self.coef.detach(), None if self.scale is None else self.scale.detach())
