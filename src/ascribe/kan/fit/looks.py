"""The figures of one state of a network, on every part of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.figures import Figure
from ascribe.kan.fit.loss import Loss
from ascribe.kan.fit.objective import Objective
from ascribe.kan.fit.rows import Rows
from ascribe.kan.structure import Network


@final
class Looks:
    """Parts of the data and what they are measured by; `train` by the named figures alone, its loss is known."""

    def __init__(self, network: Network, parts: Mapping[str, Rows], loss: Loss, figures: Mapping[str, Figure]) -> None:
        looked_at = {name: rows for name, rows in parts.items() if figures or name != "train"}
        self._parts = {name: (network.rows(rows.inputs).T.contiguous(), rows) for name, rows in looked_at.items()}
        self._loss, self._figures = loss, figures
        self._last: tuple[Tensor, int, dict[str, float]] | None = None

    def at(self, objective: Objective, vector: Float[Tensor, " parameters"]) -> dict[str, float]:
        """All figures by name; known already where the vector has not moved since."""
        if self._last is not None and self._last[0] is vector and self._last[1] == vector._version:
            return self._last[2]
        found: dict[str, float] = {}
        measured: dict[str, float] = {}
        for name, (inputs, rows) in self._parts.items():
            output = objective.run(vector, inputs)
            if name != "train":
                found[f"{name}_loss"] = self._loss.report(float(self._loss(output, rows.label, rows.weight)[0]))
            measured |= {f"{name}_{figure}": of(output, rows.label) for figure, of in self._figures.items()}
        self._last = vector, vector._version, found | measured
        return self._last[2]
