"""`captum.module.StochasticGatesBase` over `ascribe.gates`, with torch's global random stream as Captum takes it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import Tensor

from ascribe.gates.gates import Gates


class StochasticGatesBase(Gates):
    """Gates that a subclass gives as `_get_gate_values`, `_sample_gate_values` and `_get_gate_active_probs`."""

    def __init__(
        self,
        n_gates: int,
        mask: Tensor | None = None,
        reg_weight: float = 1.0,
        reg_reduction: str = "sum",
        **kwargs: Any,
    ) -> None:
        super().__init__(n_gates, mask, reg_weight, reg_reduction, **{"seed": None, **kwargs})

    def get_gate_values(self, clamp: bool = True) -> Tensor:
        """The gates in evaluation mode, without a graph."""
        gates = self._get_gate_values().detach()
        return gates.clamp(0, 1) if clamp else gates.clone()

    def get_gate_active_probs(self) -> Tensor:
        """The probability that each gate is not closed, without a graph."""
        return self._get_gate_active_probs().detach()

    def settled(self) -> Tensor:
        return self._get_gate_values()

    def sampled(self, rows: int) -> Tensor:
        return self._sample_gate_values(rows)

    def active(self) -> Tensor:
        return self._get_gate_active_probs()

    @abstractmethod
    def _get_gate_values(self) -> Tensor: ...

    @abstractmethod
    def _sample_gate_values(self, batch_size: int) -> Tensor: ...

    @abstractmethod
    def _get_gate_active_probs(self) -> Tensor: ...
