"""What a user has asked of a training, beside the network, the data and the loss."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, SupportsFloat

from ascribe.errors import TrainingError
from ascribe.kan.fit.rates import Rate
from ascribe.kan.fit.schedule import GridSchedule
from ascribe.kan.whole import whole


@dataclass(frozen=True)
class Plan:
    """Raises TrainingError for what cannot be done."""

    opt: str
    steps: int
    lr: float | None = None
    batch: int = -1
    seed: int = 0
    schedule: GridSchedule = field(default_factory=lambda: GridSchedule(10, -1, 50))
    rate: Rate | None = None
    patience: int | None = None
    figures: tuple[str, ...] = ()
    metrics: tuple[Callable[[], Any], ...] = ()
    callback: Callable[[int], Any] | None = None
    checkpoint: str | os.PathLike[str] | None = None
    every: int = 1
    resume: str | os.PathLike[str] | None = None
    progress: bool = True

    def __post_init__(self) -> None:
        if whole(self.steps, "steps") < 1:
            raise TrainingError(f"steps={self.steps} trains nothing; pass steps >= 1.")
        lr: Any = self.lr
        if lr is not None and not (isinstance(lr, SupportsFloat) and 0 < float(lr) < math.inf):
            raise TrainingError(f"lr={lr!r} is no length of a step; pass a finite number > 0, or None.")
        if self.batch < 1 and self.batch != -1:
            raise TrainingError(f"batch={self.batch} is no number of rows; pass batch >= 1, or -1 for all at once.")
        if self.patience is not None and self.patience < 1:
            raise TrainingError(f"patience={self.patience} would stop at once; pass patience >= 1, or None.")
        for metric in self.metrics:
            if not callable(metric):
                raise TrainingError(f"metric {metric!r} is no name and cannot be called; pass a function of nothing.")
        if self.callback is not None and not callable(self.callback):
            raise TrainingError(f"callback={self.callback!r} cannot be called; pass a function of the step's number.")
        if self.every < 1:
            raise TrainingError(f"every={self.every} is no number of steps; pass every >= 1.")
        if self.checkpoint is not None and not Path(self.checkpoint).resolve().parent.is_dir():
            # At once, not after the first hour.
            raise TrainingError(f"checkpoint={str(self.checkpoint)!r} is in no folder that exists; make it first.")
