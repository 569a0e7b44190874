"""Networks that were trained on the way to the one that is explained, and how well each did."""

from __future__ import annotations

import copy
import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ascribe.kan.network import KAN
from ascribe.report.explained import outputs, probabilities, tensor
from ascribe.report.prepare import Data
from ascribe.report.standardized import Standardized
from ascribe.report.study import Round
from ascribe.report.yardsticks import figures


@dataclass(frozen=True)
class Training:
    """How much is tried.

    `hidden`: nodes between the columns and the output, 0 for none: a sum of curves. `strengths` of the regulariser.
    A network is trained in `stretches` of so many steps, until two of them have not lowered its validation error;
    the first `glance` of them tell which hidden layer and strength to go on with. `again`: after every later change.
    """

    hidden: tuple[int, ...] = (0, 5)
    strengths: tuple[float, ...] = (0.1, 0.03, 0.01, 0.001)
    grids: tuple[int, ...] = (3, 5, 8, 12)
    stretches: tuple[int, ...] = (1, 1, 2, 4, 8, 16)
    glance: int = 3
    again: tuple[int, ...] = (1, 1, 2, 4, 8)
    bootstrap: int = 50

    def steps(self) -> int:
        """All steps, should none be spared."""
        glances = len(self.hidden) * len(self.strengths) * sum(self.stretches[: self.glance])
        return glances + sum(self.stretches[self.glance :]) + (2 + len(self.grids) - 1) * sum(self.again)


@dataclass(frozen=True)
class Candidate:
    """A trained network in the table's units; `strength` of the regulariser; RMSE, or log-loss, on two parts."""

    step: str
    network: Standardized
    strength: float
    train_error: float
    validation_error: float

    @property
    def kan(self) -> KAN:
        return self.network.kan


class Trials:
    """Trains networks on one table, and keeps the record."""

    def __init__(self, data: Data, training: Training, seed: int, progress: Callable[[str, float], None]) -> None:
        self.data, self.training, self.seed, self.progress = data, training, seed, progress
        self.rounds: list[Round] = []
        self.least = math.inf
        self.planned, self.done = training.steps(), 0

    @property
    def tolerated(self) -> float:
        """The validation error up to which a simpler network is as good as the best one.

        An RMSE of n rows is uncertain by one part in sqrt(2 n): what gains less is no reason for a larger network.
        """
        return (1 + 1 / math.sqrt(2 * len(self.data.parts.validation))) * self.least

    def network(self, hidden: int) -> KAN:
        """A network to begin with: one output for numbers and for two classes."""
        inputs, classes = self.data.features.shape[1], len(self.data.target.classes)
        width = [inputs, hidden, classes if classes > 2 else 1]
        return KAN([nodes for nodes in width if nodes], grid=self.training.grids[0], seed=self.seed)

    def fit(self, step: str, kan: KAN, strength: float, stretches: Sequence[int]) -> Candidate:
        """Train a network, in place, to where its validation error is least."""
        share = itertools.count(self.done)
        self.done += sum(stretches)

        def tell(_: int | None = None) -> None:
            self.progress(f"training: {step}", next(share) / self.planned)

        tell()
        network, dataset, loss = self.standardized(kan)
        rows, unseen = self.data.parts.training, self.data.parts.validation
        least, best, since = math.inf, {}, 0
        for place, steps in enumerate(stretches):
            # The knots follow the data once; later they would only disturb what was found.
            kan.fit(
                dataset,
                steps=steps,
                lamb=strength,
                update_grid=place == 0,
                loss_fn=loss,
                progress=False,
                callback=tell,
            )
            error = self.error(network, unseen)
            since += 1
            if error < least or not best:
                least, best, since = error, copy.deepcopy(kan.state_dict()), 0
            if since == 2:
                break
        kan.load_state_dict(best)
        self.least = min(self.least, least)
        return Candidate(step, network, strength, self.error(network, rows), least)

    def standardized(self, kan: KAN) -> tuple[Standardized, tuple[Tensor, Tensor], Any]:
        """The network in the table's units; what it is trained on; the loss."""
        rows, values = self.data.parts.training, self.data.values
        network = Standardized(kan, self.data.features[rows], self.data.encoder.limits).eval()
        x, y = network.inward(tensor(self.data.features[rows])), torch.from_numpy(values[rows])
        if self.data.target.task == "regression":
            network.out_mean, network.out_scale = float(y.mean()), float(y.std()) or 1.0
            return network, (x, ((y - network.out_mean) / network.out_scale)[:, None].float()), None
        if len(self.data.target.classes) == 2:
            return network, (x, y[:, None].float()), nn.BCEWithLogitsLoss()
        return network, (x, y), "cross_entropy"

    def error(self, network: Standardized, rows: np.ndarray) -> float:
        """RMSE, or log-loss."""
        output = outputs(network, self.data.features[rows])
        task = self.data.target.task
        predicted = output[:, 0] if task == "regression" else probabilities(output)
        found = figures(task, self.data.values[rows], predicted.numpy())
        return found["RMSE" if task == "regression" else "log-loss"]

    def record(self, candidate: Candidate, kept: bool) -> None:
        kan = candidate.kan
        errors = (candidate.train_error, candidate.validation_error)
        self.rounds.append(Round(candidate.step, max(kan.grid), kan.n_edge, kan.nodes(0), *errors, kept))

    @staticmethod
    def quietly(prune: Callable[[KAN], KAN], kan: KAN) -> KAN:
        """Prune; that pruning stopped short of cutting the network in two is no news here."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return prune(kan)
