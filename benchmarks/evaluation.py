"""One evaluation of objective and gradient, which is nearly all that a second-order fit does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch

from ascribe import KAN
from ascribe.kan.fit.dataset import Rows
from ascribe.kan.fit.loss import SquaredError
from ascribe.kan.fit.objective import Objective
from ascribe.kan.fit.penalty import Penalty
from benchmarks import floors
from benchmarks.contenders import PYKAN
from benchmarks.data import Dataset, four_inputs, hundred_inputs, two_inputs
from benchmarks.machine import Peaks
from benchmarks.peers import pykan
from benchmarks.report import Scale, Section, Work, seconds
from benchmarks.tables import contenders
from benchmarks.timing import Job, alternate, threads

TEXT = """\
Squared error and lamb times the regulariser, with the gradient in every parameter; three cells, cubic; one thread,
ratios of CPU time, and the floor that of float32. `fit` works in float64 at these sizes."""

LAMB, CELLS = 1e-3, 3
CASES: tuple[tuple[list[int], Callable[[], Dataset]], ...] = (
    ([4, 5, 1], four_inputs),
    ([2, 5, 1], two_inputs),
    ([100, 10, 10, 1], hundred_inputs),
)
SINGLE, DOUBLE = "ascribe, float32", "ascribe, float64"
# Twice the prototype's 47 microseconds in float32 for [4, 5, 1], and as much again as Python may cost.
ALLOWED = 2 * 47e-6 + 20e-6


def evaluate(width: Sequence[int], data: Dataset, dtype: torch.dtype) -> Job:
    """Our objective at one vector after another, as every optimiser of `fit` asks for it."""
    net = KAN(list(width), grid=CELLS, seed=0, dtype=dtype)
    rows = Rows(data["train_input"].to(dtype), data["train_label"].T.to(dtype).contiguous())
    objective = Objective(net, rows, SquaredError(), Penalty(LAMB, 1.0, 2.0, 0.0, 0.0, "edge_forward_spline_n"))
    vector = objective.parameters.read()
    # Two of them in turn: the objective remembers what it has just computed at a vector.
    places = itertools.cycle([vector, 1.001 * vector])
    return lambda: objective(next(places))


def run(scale: Scale, peaks: Peaks) -> Section:
    section = Section(
        "evaluation",
        "One evaluation of objective and gradient, 1,000 samples",
        TEXT,
    )
    for width, dataset in CASES:
        data = dataset()
        jobs = {
            SINGLE: evaluate(width, data, torch.float32),
            DOUBLE: evaluate(width, data, torch.float64),
        }
        if pykan.INSTALLED:
            peer = pykan.network(width, CELLS, seed=0)
            jobs[PYKAN] = pykan.closure(peer, data["train_input"], data["train_label"], LAMB)
        with threads(1):
            runs = alternate(jobs, scale.of(60, 5), seconds=scale.of(12, 2))
            floor = peaks.floor(*floors.evaluation(width, 1000, CELLS))
            absent = {} if pykan.INSTALLED else {PYKAN: "not installed"}
            section.tables.append(contenders(runs, DOUBLE, "cpu", floor, str(width), absent))
            if width == [4, 5, 1]:
                took = runs[SINGLE].median("cpu")
                job = "evaluation [4, 5, 1], float32"
                work = Work("evaluation", jobs[SINGLE], 100)
                section.goals.append(scale.goal(job, seconds(took), f"under {seconds(ALLOWED)}", took < ALLOWED, work))
    return section
