"""`captum.module.BinaryConcreteStochasticGates`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ascribe.compat.captum.module.stochastic_gates_base import StochasticGatesBase
from ascribe.gates.binary_concrete import BinaryConcreteGates


class BinaryConcreteStochasticGates(BinaryConcreteGates, StochasticGatesBase):
    """`ascribe.gates.BinaryConcreteGates` with Captum's names."""

    def __init__(
        self,
        n_gates: int,
        mask: Tensor | None = None,
        reg_weight: float = 1.0,
        temperature: float = 2.0 / 3,
        lower_bound: float = -0.1,
        upper_bound: float = 1.1,
        eps: float = 1e-8,
        reg_reduction: str = "sum",
    ) -> None:
        knobs = {"temperature": temperature, "lower_bound": lower_bound, "upper_bound": upper_bound, "eps": eps}
        super().__init__(n_gates, mask, reg_weight, reg_reduction, **knobs)

    def _get_gate_values(self) -> Tensor:
        return self.settled()

    def _sample_gate_values(self, batch_size: int) -> Tensor:
        return self.sampled(batch_size)

    def _get_gate_active_probs(self) -> Tensor:
        return self.active()

    @classmethod
    def _from_pretrained(cls, log_alpha_param: Tensor, *args: Any, **kwargs: Any) -> BinaryConcreteStochasticGates:
        """Gates with these parameters."""
        gates = cls(log_alpha_param.numel(), *args, **kwargs)
        with torch.no_grad():
            gates.log_alpha_param.copy_(log_alpha_param)
        return gates
