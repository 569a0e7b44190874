"""Shapley values of a KAN of two layers: in closed form beside those who sample."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ascribe import KAN, ExactShapley, Shapley, explain
from benchmarks.machine import Peaks
from benchmarks.report import Scale, Section, Table, number, seconds, times
from benchmarks.timing import threads

TEXT = """\
A KAN [100, 10, 1], cubic, of 5 cells, trained on 1,000 rows; float64, one thread, CPU time. `kan.shapley` says in
`error` how far a value may be off; the table gives the largest, in parts of its row's largest value, and beside it the
distance from the values at the sharpest tolerance. shap 0.51.0 and `Shapley()` sample: errors are root mean squares of
such distances in parts of the values' own, and what those who sample need for an error of 1% follows from errors that
fall with the square root of the price."""

_FEATURES = 100
_GOOD = 0.01  # the error at which those who sample are compared


def run(scale: Scale, peaks: Peaks) -> Section:
    section = Section("kan_shapley", "Shapley values of a KAN", TEXT)
    with threads(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kan, data = _trained(scale)
        x, background = data[: scale.of(100, 3)], data[500:]
        section.tables.append(_closed(section, scale, kan, x, background))
        section.tables.append(_plain(scale))
        section.tables.append(_sampled(scale, kan, x[: scale.of(3, 1)], background[:1]))
    return section


def _trained(scale: Scale) -> tuple[KAN, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(1000, _FEATURES, generator=generator, dtype=torch.float64) - 1
    slopes = torch.randn(_FEATURES - 20, generator=generator, dtype=torch.float64)
    y = torch.sin(3 * x[:, :5].sum(1)) + x[:, 5:20].square().sum(1) + 0.3 * (x[:, 20:] @ slopes)
    kan = KAN([_FEATURES, 10, 1], grid=5, k=3, seed=0, dtype=torch.float64)
    kan.fit((x, y[:, None]), steps=scale.of(20, 10), lamb=1e-4, progress=False)
    return kan, x


def _closed(section: Section, scale: Scale, kan: KAN, x: Tensor, background: Tensor) -> Table:
    rows: list[list[str]] = []
    sharpest = {}
    for draws, tolerance in ((1, 1e-7), (1, 1e-6), (1, 1e-3), (10, 1e-3), (100, 1e-2)):
        some = x if draws == 1 else x[: max(1, len(x) // draws)]
        taken, a = _timed(lambda s=some, d=draws, t=tolerance: kan.shapley(s, background[:d], tolerance=t))
        size = a.values.abs().amax(1, keepdim=True)
        bound = float((a.error / size).max())
        truth = sharpest.setdefault(draws, a.values)
        apart = float(((a.values - truth).abs() / size).max())
        distance = "-" if truth is a.values else number(apart)
        rows.append([str(len(some)), str(draws), f"{tolerance:g}", seconds(taken), number(bound), distance])
        if (draws, tolerance) == (1, 1e-6):
            section.goals.append(
                scale.goal(
                    f"Shapley values of {len(x)} rows of a KAN [100, 10, 1], one background row, bound {number(bound)}",
                    seconds(taken),
                    "5 s",
                    taken < 5,
                )
            )
    columns = ["rows", "background", "tolerance", "CPU time", "largest bound", "distance from the sharpest"]
    return Table(columns, rows, "kan.shapley")


def _plain(scale: Scale) -> Table:
    """Networks Linear, activation, Linear, untrained."""
    rows: list[list[str]] = []
    for activation in (nn.Tanh(), nn.ReLU()):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = nn.Sequential(nn.Linear(_FEATURES, 50), activation, nn.Linear(50, 1)).double()
            x = torch.randn(scale.of(5, 1), _FEATURES, dtype=torch.float64)
        for tolerance in (1e-2, 1e-6):
            taken, a = _timed(lambda n=net, z=x, t=tolerance: explain(n, z, ExactShapley(t)))
            bound = float((a.error / a.values.abs().amax(1, keepdim=True)).max())
            name = type(activation).__name__
            rows.append(
                [name, f"{tolerance:g}", seconds(taken / len(x)), number(bound), number(float(a.gap.abs().max()))]
            )
    columns = ["activation", "tolerance", "CPU time a row", "largest bound", "largest gap"]
    return Table(columns, rows, f"ExactShapley, networks {_FEATURES}-50-1 against one baseline")


def _sampled(scale: Scale, kan: KAN, x: Tensor, background: Tensor) -> Table:
    truth = kan.shapley(x, background).values
    size = float(truth.square().mean().sqrt())
    taken, found = _timed(lambda: kan.shapley(x, background, tolerance=_GOOD))
    ours = float((found.values - truth).square().mean().sqrt()) / size
    rows = [["kan.shapley", "-", seconds(taken), number(ours), "1.00x"]]
    for budget in (2_000, 20_000):
        budget = scale.of(budget, 500)
        for name, sample in _samplers(kan, x, background, budget).items():
            price, values = _timed(sample)
            error = float((values - truth).square().mean().sqrt()) / size
            needed = price * (error / _GOOD) ** 2 / taken
            rows.append([name, f"{budget:,}", seconds(price), number(error), times(needed)])
    columns = [f"{len(x)} rows", "evaluations a row", "CPU time", "error", f"time for an error of {_GOOD:g}, over ours"]
    return Table(columns, rows, f"Beside sampling: kan.shapley(tolerance={_GOOD:g})")


def _samplers(kan: KAN, x: Tensor, background: Tensor, budget: int) -> dict[str, Callable[[], Tensor]]:
    import shap

    def predict(rows: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return kan(torch.from_numpy(np.asarray(rows, dtype=np.float64)))[:, 0].numpy()

    def sampling() -> Tensor:
        explainer = shap.SamplingExplainer(predict, background.numpy())
        return torch.from_numpy(np.array(explainer.shap_values(x.numpy(), nsamples=budget, silent=True)))

    def kernel() -> Tensor:
        explainer = shap.KernelExplainer(predict, background.numpy())
        found = explainer.shap_values(x.numpy(), nsamples=budget, silent=True, l1_reg=f"num_features({_FEATURES})")
        return torch.from_numpy(np.array(found))

    return {
        "ascribe's Shapley": lambda: explain(kan, x, Shapley(budget=budget), background=background).values,
        "shap's SamplingExplainer": sampling,
        "shap's KernelExplainer": kernel,
    }


def _timed(job: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = job()
    return time.process_time() - start, found
