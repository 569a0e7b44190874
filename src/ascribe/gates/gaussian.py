"""Gates with Gaussian noise."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.errors import MethodError
from ascribe.gates.gates import Gates


class GaussianGates(Gates):
    r"""$g = \mathrm{clamp}(\mu + \epsilon, 0, 1)$ with $\epsilon \sim N(0, \sigma^2)$; open with $\Phi(\mu/\sigma)$.

    Source: Yamada, Lindenbaum, Negahban & Kluger (2020), "Feature selection using stochastic gates".

    >>> gates = GaussianGates(2).eval()
    >>> x, penalty = gates(torch.ones(1, 2)); x.shape, round(penalty.item(), 1)
    (torch.Size([1, 2]), 1.7)
    """

    def __init__(self, n_gates: int, *args: Any, std: float = 0.5, **kwargs: Any) -> None:
        super().__init__(n_gates, *args, **kwargs)
        if not 0 < std < math.inf:
            raise MethodError(f"std={std}; pass a number above 0")
        self.std = std
        first = torch.empty(n_gates)
        # Half open, and not all alike.
        self.mu = nn.Parameter(first.normal_(0.5, 0.01, generator=self.stream(first.device)))

    def settled(self) -> Float[Tensor, " gates"]:
        return self.mu

    def sampled(self, rows: int) -> Float[Tensor, "rows gates"]:
        if not self.training:
            return self.mu.expand(rows, self.n_gates)
        noise = torch.empty(rows, self.n_gates, device=self.mu.device, dtype=self.mu.dtype)
        return self.mu + noise.normal_(0, self.std, generator=self.stream(noise.device))

    def active(self) -> Float[Tensor, " gates"]:
        return (1 + torch.erf(self.mu / (self.std * math.sqrt(2)))) / 2
