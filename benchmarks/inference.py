"""Predictions for a million rows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ascribe import KAN
from benchmarks import floors
from benchmarks.contenders import EFFICIENT, FAST, MLP, OURS, PYKAN, TORCH_ONLY, network
from benchmarks.data import uniform
from benchmarks.machine import Peaks
from benchmarks.memory import peaks as memory_peaks
from benchmarks.peers import pykan
from benchmarks.report import Scale, Section, Table, Work, faster, number
from benchmarks.tables import contenders, mebibytes
from benchmarks.timing import Job, alternate, ratio, threads

WIDTH, CELLS, CHUNK = [8, 16, 1], 5, 8192
COMPILED, WHOLE = "ascribe, compiled()", "MLP, all rows at once"
TARGETS = ((EFFICIENT, 80.0), (FAST, 13.0), (MLP, 3.5), (WHOLE, 3.5))
ERROR = 1e-6
TEXT = f"""\
Five cells, cubic, float32; one thread, ratios of CPU time. The peers take the rows in pieces of {CHUNK:,}: that is
faster for each of them than all rows at once (the MLP is shown both ways), and takes less memory. The MLP has as many
parameters."""

Predict = Callable[[Tensor], Tensor]


def predictor(name: str) -> Predict:
    """From all rows to all predictions, without gradients; what is not ours in pieces, which is faster and smaller."""
    kan = _curved()
    if name == OURS:
        return torch.no_grad()(kan)
    if name == COMPILED:
        return torch.no_grad()(kan.compiled())
    if name == WHOLE:
        return torch.no_grad()(network(MLP, WIDTH, CELLS))
    return torch.no_grad()(_in_pieces(network(name, WIDTH, CELLS)))


def _curved() -> KAN:
    """A network whose edges are as curved as trained ones; a fresh one's are nearly their base functions."""
    kan = KAN(WIDTH, grid=CELLS, seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in kan.layers:
            layer.coef.copy_(0.5 * torch.randn(layer.coef.shape, generator=generator))
    return kan


def _in_pieces(net: nn.Module) -> Predict:
    def predict(x: Tensor) -> Tensor:
        # Into one tensor: small results kept between large ones would hold the allocator's memory apart.
        y = x.new_empty(len(x), WIDTH[-1])
        for rows, values in zip(x.split(CHUNK), y.split(CHUNK), strict=True):
            values.copy_(net(rows))
        return y

    return predict


def prediction(name: str, rows: int) -> Job:
    x, predict = uniform(rows, WIDTH[0]), predictor(name)
    predict(x[: 2 * CHUNK])
    return lambda: predict(x)


def run(scale: Scale, peaks: Peaks) -> Section:
    rows = scale.of(1_000_000, 100_000)
    section = Section(
        "inference",
        f"Inference, {rows:,} rows of [8, 16, 1]",
        TEXT,
    )
    names = (COMPILED, OURS, *TORCH_ONLY, WHOLE, *((PYKAN,) if pykan.INSTALLED else ()))
    work = floors.forward(WIDTH, rows)
    section.notes.append(f"The floor: {work.flops / 1e9:.2f} GFLOP; inputs and outputs are {36e-6 * rows:.0f} MB.")
    x = uniform(rows, WIDTH[0])
    predictors = {name: predictor(name) for name in names}
    jobs = {name: (lambda predict=predict: predict(x)) for name, predict in predictors.items()}
    absent = {} if pykan.INSTALLED else {PYKAN: "not installed"}
    with threads(1):
        runs = alternate(jobs, scale.of(9, 3), seconds=scale.of(70, 5))
        section.tables.append(contenders(runs, COMPILED, "cpu", peaks.floor(*work), "one thread", absent))
        for peer, factor in TARGETS:
            found = ratio(runs[peer], runs[COMPILED], "cpu")
            job, profiled = f"inference, {rows:,} rows, against {peer}", Work("inference", jobs[COMPILED], 2)
            section.goals.append(scale.goal(job, faster(found), f"{number(factor)}x faster", found >= factor, profiled))
    _error(section, scale, {name: predictors[name] for name in (COMPILED, OURS)}, x, rows)
    _memory(section, scale, names, rows)
    return section


def _error(section: Section, scale: Scale, predictors: dict[str, Predict], x: Tensor, rows: int) -> None:
    """Against the same network in float64, over the largest prediction."""
    with torch.no_grad():
        exact = _curved().double()(x.double())
    for name, predict in predictors.items():
        error = float((predict(x) - exact).abs().max() / exact.abs().max())
        job = f"inference, {rows:,} rows, error of {name} against float64"
        section.goals.append(scale.goal(job, f"{error:.1e}", f"below {ERROR:.0e}", error < ERROR))


def _memory(section: Section, scale: Scale, names: tuple[str, ...], rows: int) -> None:
    held = {name: memory_peaks("benchmarks.inference:prediction", [[name, rows]]) for name in names}
    found = {name: peak[0].mebibytes for name, peak in held.items() if peak is not None}
    job = "inference, memory beside the predictions, for four times the rows"
    more = memory_peaks("benchmarks.inference:prediction", [[COMPILED, 4 * rows]])
    if more is None:
        section.goals.append(scale.goal(job, "-", "flat", None))
        return
    output = 4 * rows / 2**20
    table = [[name, mebibytes(value)] for name, value in found.items()]
    table.append([f"{COMPILED}, {4 * rows:,} rows", mebibytes(more[0].mebibytes)])
    title = f"memory over the rows themselves; the predictions are {mebibytes(output)} of it"
    section.tables.append(Table(["", "peak"], table, title))
    before, after = found[COMPILED] - output, more[0].mebibytes - 4 * output
    measured = f"{mebibytes(max(before, 0))}, then {mebibytes(max(after, 0))}"
    # Counters of resident memory lag by some pages a thread.
    section.goals.append(scale.goal(job, measured, "flat", after < before + 4))
