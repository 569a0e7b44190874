"""A training under way: a copy of the network at work, its optimiser, and what is to be kept."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import TrainingError
from ascribe.kan.fit.dataset import Data, Rows
from ascribe.kan.fit.history import History
from ascribe.kan.fit.loss import Loss
from ascribe.kan.fit.objective import Objective
from ascribe.kan.fit.optimisers import BATCH, make_optimiser, optimiser_named
from ascribe.kan.fit.penalty import Penalty
from ascribe.kan.fit.schedule import GridSchedule
from ascribe.kan.grids import update_grid
from ascribe.kan.structure import Network

# Up to this many terms of all inputs and rows double precision costs little, and steps of second order gain much by it.
_DOUBLE = 30_000_000
# Up to this many, threads wait for each other longer than they work.
ALONE = 4_000_000
# Share of the rows outside a grid above which it counts as missing the data.
_OUTSIDE = 0.02
# Grids that gave a training which had arrived less than this share of its objective are where they should be.
_SETTLED = 1e-4
# Rows that the grids of a training in batches look at.
_GRID_ROWS = 8192


def terms_of(network: Network, rows: int) -> int:
    """The terms of all inputs of all layers over all rows: what a pass over them costs goes with their number."""
    return rows * sum(layer.in_dim * (layer.num + layer.k + 1) for layer in network.layers)


class Training:
    """The network the user holds changes once, at the end (or before each call of a metric, which looks at it)."""

    def __init__(
        self,
        kan: Network,
        data: Data,
        loss: Loss,
        penalty: Penalty,
        opt: str,
        lr: float | None,
        batch: int,
        schedule: GridSchedule,
        metrics: tuple[Callable[[], Any], ...],
        seed: int,
    ) -> None:
        rows = len(data.train)
        terms = terms_of(kan, rows)
        self.name = optimiser_named(opt, kan, rows, terms, loss, penalty.lamb)
        self._kan, self._loss, self._schedule, self._metrics = kan, loss, schedule, metrics
        dtype = kan.layers[0].coef.dtype
        if self.name != "Adam" and terms <= _DOUBLE:
            dtype = torch.float64
        self._work = copy.deepcopy(kan).to(dtype)
        self._train = data.train.to(dtype)
        self._test = None if data.test is None else data.test.to(dtype)
        usual = rows
        if self.name == "Adam":
            usual = data.batch or (BATCH if opt.lower() == "auto" else rows)
        self._size = min(batch if batch > 0 else usual, rows)
        self._batches = self._shuffled(seed)
        objective = Objective(self._work, next(self._batches), loss, penalty)
        self._optimiser = make_optimiser(self.name, objective, lr)
        self._objective = objective
        self._unseen = None if self._test is None else self._work.rows(self._test.inputs).T.contiguous()
        self._measured: tuple[Tensor, int, float] | None = None
        # What the vector does not hold changes with the grids alone, so one copy serves all steps between two updates.
        self._frame = self._snapshot()
        self._best = self._frame, self._optimiser.vector.clone()
        self._best_value, self._best_step = math.inf, 0
        self._arrival = math.inf
        self._results: dict[str, list[float]] = {"train_loss": []}
        if self._test is not None:
            self._results["test_loss"] = []
        self._results["reg"] = []

    @property
    def _whole(self) -> bool:
        return self._size == len(self._train)

    def _shuffled(self, seed: int) -> Iterator[Rows]:
        """Pieces of the training rows, reshuffled every epoch; an epoch's last piece too short to count is left out."""
        if self._whole:
            while True:
                yield self._train
        generator = torch.Generator().manual_seed(seed)
        while True:
            order = torch.randperm(len(self._train), generator=generator).to(self._train.inputs.device)
            for first in range(0, len(order) - self._size + 1, self._size):
                yield self._train.take(order[first : first + self._size])

    def run(self, steps: int, progress: bool, callback: Callable[[int], Any] | None) -> History:
        from tqdm import tqdm

        started = time.perf_counter()
        epoch = len(self._train) // self._size
        seen: list[float] = []
        try:
            with tqdm(range(steps), desc="fit", disable=not progress) as bar:
                for step in bar:
                    if step and not self._whole:
                        self._objective.see(next(self._batches))
                        self._optimiser.feed()
                    if self._schedule.due(step):
                        self._update_grids()
                    now = self._optimiser.step()
                    if not math.isfinite(now.value):
                        raise TrainingError(
                            f"the loss is {now.value} at step {step} of {steps}, and the network keeps the best state"
                            " from before; scale the data, or pass a smaller lr."
                        )
                    seen.append(now.value)
                    ends = (step + 1) % epoch == 0 or step == steps - 1
                    if ends:
                        self._keep(sum(seen) / len(seen), step)
                        seen = []
                    self._record(step, now.loss, now.penalty, measure=ends or step == 0)
                    if callback is not None:
                        callback(step)
                    if progress:
                        bar.set_postfix({name: f"{values[-1]:.3g}" for name, values in self._results.items()})
        finally:
            self._give_best()
        return History(self._results, self.name, self._best_step, time.perf_counter() - started)

    def _update_grids(self) -> None:
        if self._settled():
            return
        objective, layers = self._objective, self._work.layers
        objective.parameters.write(self._optimiser.vector)
        before = [layer.grid.clone() for layer in layers]
        # A grid that misses the data goes to it at once, at whatever cost to edges that have not seen it; later
        # updates keep what was learnt.
        traces = objective.traces(self._optimiser.vector)
        outside = max(_outside(trace.inputs, *layer.range) for trace, layer in zip(traces, layers, strict=True))
        stride = 1 if self._whole else -(-len(self._train) // _GRID_ROWS)
        update_grid(self._work, self._train.inputs[::stride], tolerance=math.inf if outside > _OUTSIDE else 0.05)
        if all(torch.equal(a, layer.grid) for a, layer in zip(before, layers, strict=True)):
            return
        self._frame = self._snapshot()
        self._optimiser.vector = objective.parameters.read()
        objective.refresh()
        self._optimiser.restart()

    def _settled(self) -> bool:
        """Whether the training has arrived again, and the last update of its grids hardly helped."""
        if not self._optimiser.arrived:
            return False
        value, before = self._optimiser.now.value, self._arrival
        self._arrival = value
        return before - value <= _SETTLED * abs(value)

    def _keep(self, value: float, step: int) -> None:
        if value < self._best_value:
            self._best = self._frame, self._optimiser.vector.clone()
            self._best_value, self._best_step = value, step

    def _snapshot(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self._work.state_dict().items()}

    def _give_best(self) -> None:
        frame, vector = self._best
        self._work.load_state_dict(frame)
        self._objective.parameters.write(vector)
        self._kan.load_state_dict(self._work.state_dict())

    def _record(self, step: int, loss: float, penalty: float, measure: bool) -> None:
        results = self._results
        results["train_loss"].append(self._loss.report(loss))
        results["reg"].append(penalty)
        if self._test is not None:
            results["test_loss"].append(self._measure(self._test) if measure else results["test_loss"][-1])
        if self._metrics:
            self._objective.parameters.write(self._optimiser.vector)
            self._kan.load_state_dict(self._work.state_dict())
            for metric in self._metrics:
                results.setdefault(metric.__name__, []).append(float(metric()))

    def _measure(self, test: Rows) -> float:
        """The loss on other rows; known already where the vector has not moved since."""
        vector = self._optimiser.vector
        if self._measured is None or self._measured[0] is not vector or self._measured[1] != vector._version:
            assert self._unseen is not None
            output = self._objective.run(vector, self._unseen)
            self._measured = vector, vector._version, self._loss.report(float(self._loss(output, test.label)[0]))
        return self._measured[2]


def _outside(x: Float[Tensor, "inputs n"], low: Float[Tensor, " inputs"], high: Float[Tensor, " inputs"]) -> float:
    """The largest share of rows outside an input's grid."""
    outside = (x < low[:, None]) | (x > high[:, None])
    return float(outside.sum(1).amax()) / max(1, x.shape[1])
