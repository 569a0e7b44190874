"""The grids of a training follow its data, and the optimiser starts afresh where they have moved."""

from __future__ import annotations

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.objective import Objective
from ascribe.kan.fit.optimisers import Optimiser
from ascribe.kan.fit.rows import Rows
from ascribe.kan.fit.schedule import GridSchedule
from ascribe.kan.grids import update_grid

# Share of the rows outside a grid above which it counts as missing the data.
_OUTSIDE = 0.02
# Grids that gave a training which had arrived less than this share of its objective are where they should be.
_SETTLED = 1e-4
# Rows that the grids of a training in batches look at.
_ROWS = 8192


@final
class GridFollowing:
    """`arrival` is the objective where the training had last arrived when its grids were due."""

    def __init__(self, objective: Objective, schedule: GridSchedule, rows: Rows, whole: bool) -> None:
        self._objective, self._schedule = objective, schedule
        self._rows = rows.inputs[:: 1 if whole else -(-len(rows) // _ROWS)]
        # One row says where no grid should end.
        self._movable = len(self._rows) > 1 and any(stage.numeric for stage in objective.stages)
        self.arrival = math.inf

    def follow(self, step: int, optimiser: Optimiser) -> bool:
        """Whether any knot has moved."""
        if not self._movable or not self._schedule.due(step) or self._settled(optimiser):
            return False
        objective, layers = self._objective, self._objective.network.layers
        objective.parameters.write(optimiser.vector)
        before = [layer.grid.clone() for layer in layers]
        # A grid that misses the data goes to it at once, at whatever cost to edges that have not seen it; later
        # updates keep what was learnt.
        traces = objective.traces(optimiser.vector)
        outside = max(
            _outside(trace.inputs, *layer.range, (layer.mask != 0).any(1))
            for trace, layer in zip(traces, layers, strict=True)
        )
        update_grid(objective.network, self._rows, tolerance=math.inf if outside > _OUTSIDE else 0.05)
        if all(torch.equal(a, layer.grid) for a, layer in zip(before, layers, strict=True)):
            return False
        optimiser.vector = objective.parameters.read()
        objective.refresh()
        optimiser.restart()
        return True

    def _settled(self, optimiser: Optimiser) -> bool:
        """Whether the training has arrived again, and the last update of its grids hardly helped."""
        if not optimiser.arrived:
            return False
        value, before = optimiser.now.value, self.arrival
        self.arrival = value
        return before - value <= _SETTLED * abs(value)


def _outside(
    x: Float[Tensor, "inputs n"], low: Float[Tensor, " inputs"], high: Float[Tensor, " inputs"], splined: Tensor
) -> float:
    """The largest share of rows outside the grid of an input that has one."""
    outside = ((x < low[:, None]) | (x > high[:, None])) & splined[:, None]
    return float(outside.sum(1).amax()) / max(1, x.shape[1])
