"""A whole training, by us or by pykan: what it took, and how good the network is."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ascribe import KAN
from benchmarks.data import Dataset
from benchmarks.peers import pykan
from benchmarks.report import seconds
from benchmarks.timing import threads

LAMB, CELLS = 1e-3, 3
ALL_THREADS = os.cpu_count() or 1


@dataclass(frozen=True)
class Fit:
    wall: float
    cpu: float
    objective: float  # mean squared error and LAMB times the regulariser, on the training rows
    rmse: float  # on the test rows
    curve: tuple[float, ...] = ()  # the objective by step


@dataclass(frozen=True)
class Fits:
    """The same training from several seeds: medians."""

    each: list[Fit]

    @property
    def wall(self) -> float:
        return statistics.median(f.wall for f in self.each)

    @property
    def objective(self) -> float:
        return statistics.median(f.objective for f in self.each)

    @property
    def rmse(self) -> float:
        return statistics.median(f.rmse for f in self.each)

    def cells(self) -> list[str]:
        values = [f.objective for f in self.each]
        between = f" [{min(values):.2e}, {max(values):.2e}]" if len(values) > 1 else ""
        cpu = statistics.median(f.cpu for f in self.each)
        return [seconds(self.wall), seconds(cpu), f"{self.objective:.2e}{between}", f"{self.rmse:.2e}"]


COLUMNS = ["wall", "CPU", "objective", "test RMSE"]


def train(width: Sequence[int], data: Dataset, opt: str, steps: int, seed: int) -> Fit:
    """By `fit`, which chooses its number of threads itself."""
    net = KAN(list(width), grid=CELLS, seed=seed)
    with threads(ALL_THREADS):
        wall, cpu = time.perf_counter(), time.process_time()
        history = net.fit(data, opt=opt, steps=steps, lamb=LAMB, progress=False)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    curve = tuple(r**2 + LAMB * p for r, p in zip(history["train_loss"], history["reg"], strict=True))
    return Fit(wall, cpu, objective(net, data), rmse(net, data), curve)


def train_pykan(width: Sequence[int], data: Dataset, steps: int, seed: int, count: int) -> Fit:
    """By pykan's on `count` threads."""
    net = pykan.network(width, CELLS, seed)
    with threads(count), pykan.quiet():
        wall, cpu = time.perf_counter(), time.process_time()
        net.fit(data, steps=steps, lamb=LAMB)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Fit(wall, cpu, pykan_objective(net, data), rmse(net, data))


def objective(net: KAN, data: Dataset) -> float:
    """By our own formula of the regulariser."""
    error = (net(data["train_input"]) - data["train_label"]).square().mean()
    return (error + LAMB * net.regularization()).item()


def pykan_objective(net: Any, data: Dataset) -> float:
    """By pykan's."""
    error = (net(data["train_input"]) - data["train_label"]).square().mean()
    return (error + LAMB * pykan.penalty(net)).item()


def disagreement(width: Sequence[int], data: Dataset) -> float:
    """How far the two formulas of the objective are apart, relatively, on one network with curves on all its edges."""
    ours, theirs = KAN(list(width), grid=CELLS, seed=0), pykan.network(width, CELLS, seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for mine, other in zip(ours.layers, theirs.act_fun, strict=True):
            # Small enough that no hidden node leaves its grid, where the two continue an edge differently.
            mine.coef.copy_(0.1 * torch.randn(mine.coef.shape, generator=generator))
            mine.scale_base.mul_(0.3)
            for name in ("grid", "coef", "scale_base", "scale_sp", "mask"):
                getattr(other, name).copy_(getattr(mine, name))
    value = objective(ours, data)
    return abs(pykan_objective(theirs, data) - value) / value


def rmse(net: Any, data: Dataset) -> float:
    with torch.no_grad():
        return (net(data["test_input"]) - data["test_label"]).square().mean().sqrt().item()
