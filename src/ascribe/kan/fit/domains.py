"""Symbolic edges whose data lies outside their function's domain, told before the first step."""

from __future__ import annotations

from ascribe.errors import TrainingError
from ascribe.kan.fit.objective import Objective


def require_numbers(objective: Objective) -> None:
    """Raises TrainingError where a symbolic edge is no finite number on some rows; it names the first such edge."""
    if all(stage.symbols is None for stage in objective.stages):
        return
    traces = objective.traces(objective.parameters.read())
    for l, (layer, trace) in enumerate(zip(objective.network.layers, traces, strict=True)):
        bad = [] if trace.symbols is None else (~trace.symbols.f.isfinite()).sum(1).tolist()
        for e, rows in enumerate(bad):
            if rows:
                i, j = int(layer.symbolic.source[e]), int(layer.symbolic.subnode[e])
                raise TrainingError(
                    f"edge ({l}, {i}, {j}) is {layer.symbolic.names[e]}, which is no finite number on {rows} of"
                    f" {trace.inputs.shape[1]} rows; fix it with an affine that keeps the data in its domain, or"
                    f" unfix({l}, {i}, {j})."
                )
