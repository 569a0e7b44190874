"""Networks that were trained on the way to the one that is explained, and how well each did."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ascribe.kan.network import KAN
from ascribe.report.explained import outputs, probabilities, tensor
from ascribe.report.prepare import Data
from ascribe.report.standardized import Standardized
from ascribe.report.study import Round
from ascribe.report.yardsticks import figures


@dataclass(frozen=True)
class Training:
    """How much is tried."""

    hidden: int = 5
    strengths: tuple[float, ...] = (1e-2, 1e-3, 1e-4)
    grids: tuple[int, ...] = (3, 5, 8, 12, 20)
    steps: int = 30
    bootstrap: int = 50


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
        self.fitted, self.most = 0, len(training.strengths) + 2 + len(training.grids) - 1

    def network(self) -> KAN:
        """A network to begin with: one hidden layer, one output for numbers and for two classes."""
        inputs, classes = self.data.features.shape[1], len(self.data.target.classes)
        width = [inputs, self.training.hidden, classes if classes > 2 else 1]
        return KAN(width, grid=self.training.grids[0], seed=self.seed)

    def fit(self, step: str, kan: KAN, strength: float) -> Candidate:
        """Train a network, and measure it in the units of the target."""
        self.progress(f"training: {step}", self.fitted / self.most)
        self.fitted += 1
        rows, values = self.data.parts.training, self.data.values
        network = Standardized(kan, self.data.features[rows], self.data.encoder.limits)
        settings: dict[str, Any] = {"steps": self.training.steps, "lamb": strength, "seed": self.seed}
        x = network.inward(tensor(self.data.features[rows]))
        if self.data.target.task == "regression":
            network.out_mean, network.out_scale = float(values[rows].mean()), float(values[rows].std()) or 1.0
            label = torch.from_numpy((values[rows] - network.out_mean) / network.out_scale)[:, None].float()
        elif len(self.data.target.classes) == 2:
            label = torch.from_numpy(values[rows])[:, None].float()
            settings["loss_fn"] = nn.BCEWithLogitsLoss()
        else:
            label = torch.from_numpy(values[rows])
            settings["loss_fn"] = "cross_entropy"
        kan.fit((x, label), progress=False, **settings)
        network.eval()
        return Candidate(
            step, network, strength, self.error(network, rows), self.error(network, self.data.parts.validation)
        )

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
