"""Gates of the stretched binary concrete distribution, which are exactly 0 or 1 with a probability of their own."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.errors import MethodError
from ascribe.gates.gates import Gates


class BinaryConcreteGates(Gates):
    r"""$g = \mathrm{clamp}(s(\zeta - \gamma) + \gamma, 0, 1)$, $s = \sigma((\mathrm{logit}\,u + \log\alpha)/\beta)$.

    u is uniform on (0, 1); in evaluation mode $s = \sigma(\log\alpha)$. $\beta$ is `temperature`; $\gamma < 0$ and
    $\zeta > 1$ are the bounds that s is stretched to. A gate is open with
    $\sigma(\log\alpha - \beta \log(-\gamma/\zeta))$.

    Source: Louizos, Welling & Kingma (2018), "Learning sparse neural networks through L0 regularization".

    >>> gates = BinaryConcreteGates(2).eval()
    >>> x, penalty = gates(torch.ones(1, 2)); x.shape, round(penalty.item(), 1)
    (torch.Size([1, 2]), 1.7)
    """

    def __init__(
        self,
        n_gates: int,
        *args: Any,
        temperature: float = 2 / 3,
        lower_bound: float = -0.1,
        upper_bound: float = 1.1,
        eps: float = 1e-8,
        **kwargs: Any,
    ) -> None:
        super().__init__(n_gates, *args, **kwargs)
        if not 0 < temperature < 1:
            raise MethodError(f"temperature={temperature}; pass a number between 0 and 1")
        if not (lower_bound < 0 and upper_bound > 1):
            raise MethodError(f"the bounds are {lower_bound} and {upper_bound}; pass one below 0 and one above 1")
        if not 0 <= eps < 0.5:
            raise MethodError(f"eps={eps}; pass a number from 0 to below 0.5")
        self.temperature, self.lower_bound, self.upper_bound, self.eps = temperature, lower_bound, upper_bound, eps
        first = torch.empty(n_gates)
        self.log_alpha_param = nn.Parameter(first.normal_(0.0, 0.01, generator=self.stream(first.device)))

    def settled(self) -> Float[Tensor, " gates"]:
        return self._stretched(self.log_alpha_param.sigmoid())

    def sampled(self, rows: int) -> Float[Tensor, "rows gates"]:
        log_alpha = self.log_alpha_param
        if not self.training:
            return self.settled().expand(rows, self.n_gates)
        u = torch.empty(rows, self.n_gates, device=log_alpha.device, dtype=log_alpha.dtype)
        u.uniform_(self.eps, 1 - self.eps, generator=self.stream(u.device))
        return self._stretched(((u.logit() + log_alpha) / self.temperature).sigmoid())

    def active(self) -> Float[Tensor, " gates"]:
        return (self.log_alpha_param - self.temperature * math.log(-self.lower_bound / self.upper_bound)).sigmoid()

    def _stretched(self, s: Float[Tensor, "*rows gates"]) -> Float[Tensor, "*rows gates"]:
        return s * (self.upper_bound - self.lower_bound) + self.lower_bound
