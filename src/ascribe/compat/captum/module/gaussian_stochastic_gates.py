"""`captum.module.GaussianStochasticGates`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ascribe.compat.captum.module.stochastic_gates_base import StochasticGatesBase
from ascribe.gates.gaussian import GaussianGates


class GaussianStochasticGates(GaussianGates, StochasticGatesBase):
    """`ascribe.gates.GaussianGates` with Captum's names."""

    def __init__(
        self,
        n_gates: int,
        mask: Tensor | None = None,
        reg_weight: float = 1.0,
        std: float = 0.5,
        reg_reduction: str = "sum",
    ) -> None:
        super().__init__(n_gates, mask, reg_weight, reg_reduction, std=std)

    def _get_gate_values(self) -> Tensor:
        return self.settled()

    def _sample_gate_values(self, batch_size: int) -> Tensor:
        return self.sampled(batch_size)

    def _get_gate_active_probs(self) -> Tensor:
        return self.active()

    @classmethod
    def _from_pretrained(cls, mu: Tensor, *args: Any, **kwargs: Any) -> GaussianStochasticGates:
        """Gates with these parameters."""
        gates = cls(mu.numel(), *args, **kwargs)
        with torch.no_grad():
            gates.mu.copy_(mu)
        return gates
