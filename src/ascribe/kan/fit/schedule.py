"""When the grids follow the data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GridSchedule:
    """`updates` times before step `stop`, evenly, from step `start` on; never with 0 updates.

    >>> [step for step in range(60) if GridSchedule(10, -1, 50).due(step)]
    [0, 5, 10, 15, 20, 25, 30, 35, 40, 45]
    """

    updates: int
    start: int
    stop: int

    def due(self, step: int) -> bool:
        if self.updates < 1 or not self.start <= step < self.stop:
            return False
        return step % max(1, self.stop // self.updates) == 0
