"""The numbers of the edges of a layer, as a layer or an optimiser holds them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Weights(NamedTuple):
    r"""$\varphi_{ij} = mask_{ij}\,(base_{ij}\, b + scale_{ij} \sum_m coef_{ijm} B_{im})$; what is missing counts as 1.

    Any strides: no kernel asks for a copy. Where the mask is 0 an edge costs nothing, and its gradients are 0. No
    gradient flows into the mask.
    """

    base: Float[Tensor, "inputs outputs"]
    coef: Float[Tensor, "inputs outputs bases"]
    scale: Float[Tensor, "inputs outputs"] | None = None
    mask: Float[Tensor, "inputs outputs"] | None = None

    @classmethod
    def of(
        cls, folded: Float[Tensor, "inputs terms outputs"], mask: Float[Tensor, "inputs outputs"] | None = None
    ) -> Weights:
        """Views of one weight a term, as `fit` holds them."""
        return cls(folded[:, 0], folded[:, 1:].mT, None, mask)

    def folded(self) -> Float[Tensor, "inputs outputs terms"]:
        """One weight a term, mask and scale multiplied in."""
        spline = self.coef if self.scale is None else self.coef * self.scale[..., None]
        terms = torch.cat([self.base[..., None], spline], -1)
        return terms if self.mask is None else terms * self.mask[..., None]

    def unfolded(self, gradient: Float[Tensor, "inputs outputs terms"]) -> Weights:
        """A gradient in the folded weights as one in these (without the mask)."""
        if self.mask is not None:
            gradient = gradient * self.mask[..., None]
        base, spline = gradient[..., 0], gradient[..., 1:]
        if self.scale is None:
            return Weights(base, spline)
        return Weights(base, spline * self.scale[..., None], (spline * self.coef).sum(-1))

    def detach(self) -> Weights:
        return self._make(None if t is None else t.detach() for t in self)
