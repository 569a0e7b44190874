"""What happened in a fit, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class History(Mapping[str, list[float]]):
    """One list a figure, one entry a step: train_loss, val_loss and test_loss where there are such rows, reg, metrics.

    A loss is the root of the mean squared error, or for another `loss_fn` that loss itself. `reg` is the regulariser
    without its factor lamb. `best` is the step whose network was kept. `stopped` says what ended the training before
    its last step: "patience", "callback", or nothing.

    >>> History({"train_loss": [0.5, 0.1]}, optimiser="LBFGS", best=1, seconds=0.2)["train_loss"]
    [0.5, 0.1]
    """

    results: dict[str, list[float]] = field(repr=False)
    optimiser: str
    best: int
    seconds: float
    stopped: str = ""

    def __getitem__(self, name: str) -> list[float]:
        return self.results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)
