"""All symbolic candidates on one edge: the time, and how many functions come back exactly."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ascribe.kan.symbolic.candidates import functions_of
from ascribe.kan.symbolic.function import Function
from ascribe.maths.affine import fit_affine
from ascribe.maths.affine.curves import admissible, traits
from benchmarks.contenders import OURS, PYKAN
from benchmarks.machine import Peaks
from benchmarks.peers import pykan
from benchmarks.report import Scale, Section, Table, Work, seconds, times
from benchmarks.timing import Job, alternate, ratio, threads

SAMPLES, LIMIT, EXACT = 1000, 0.05, 1e-12
NAMES = (
    "x", "x^2", "x^3", "x^4", "x^5", "1/x", "1/x^2", "1/x^3", "1/x^4", "1/x^5", "x^0.5", "x^1.5", "1/x^0.5", "exp",
    "log", "abs", "sin", "cos", "tan", "tanh", "sgn", "arcsin", "arccos", "arctan", "arctanh", "0", "gaussian",
)  # fmt: skip
"""pykan's library, without its second names."""
TEXT = f"""\
c f(a x + b) + d for every function f of the library, a and b from -10 to 10, fitted to exp(sin(3 x)) on {SAMPLES:,}
samples of float64; one thread, ratios of CPU time. "pykan's library" is the same {len(NAMES)} functions for both, the
whole library what ascribe fits by default. Below, exact images of every function, with random a and b that keep the
data inside its domain: how many come back with 1 - r2 below {EXACT:g}."""


def edge() -> tuple[Tensor, Tensor]:
    """The samples of one edge, (1, n) each."""
    x = 2 * torch.rand(1, SAMPLES, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 1
    return x, torch.exp(torch.sin(3 * x))


def ours(functions: list[Function]) -> Job:
    x, y = edge()
    return lambda: fit_affine(x, y, functions)


def theirs(names: tuple[str, ...]) -> Job:
    """What pykan does for every function of a suggestion."""
    x, y = edge()
    return lambda: [_theirs(name, x[0], y[0]) for name in names]


def _theirs(name: str, x: Tensor, y: Tensor) -> tuple[Tensor, float]:
    with pykan.quiet():
        from kan.utils import SYMBOLIC_LIB, fit_params

        affine, r2 = fit_params(x, y, SYMBOLIC_LIB[name][0], verbose=False)
    return affine, float(r2)


def image(function: Function, x: Tensor, generator: torch.Generator) -> Tensor:
    """1.5 f(a x + b) - 0.5 with a and b from their ranges, smooth on all of the data and not flat in float64."""
    low, high = traits(function).sides[0]
    first, last = float(x.min()), float(x.max())
    while True:
        a, b = (20 * torch.rand(2, dtype=torch.float64, generator=generator) - 10).tolist()
        if math.isfinite(low) and math.isfinite(high):
            ends = low + (high - low) * torch.rand(2, dtype=torch.float64, generator=generator).sort().values
            a = float(ends[1] - ends[0]) / (last - first)
            b = float(ends[0]) - a * first
        values = function.torch(a * x + b)
        inside = max(abs(a), abs(b)) <= 10 and bool(admissible(function, torch.tensor(a), torch.tensor(b), first, last))
        if inside and float(values.std()) > 1e-5 * float(values.abs().max()):
            return 1.5 * values - 0.5


def exact(names: tuple[str, ...], draws: int) -> dict[str, int]:
    """How many images either finds to the last digits."""
    generator = torch.Generator().manual_seed(1)
    x = edge()[0][0]
    found: dict[str, int] = dict.fromkeys((OURS, PYKAN), 0)
    for function in functions_of(name for name in names if name != "0"):
        for _ in range(draws):
            y = image(function, x, generator)
            found[OURS] += float(fit_affine(x[None], y[None], [function]).error) < EXACT
            if pykan.INSTALLED:
                found[PYKAN] += _error(function, x, y) < EXACT
    return found


def _error(function: Function, x: Tensor, y: Tensor) -> float:
    """1 - r2 of pykan's a, b, c and d, from the residuals: its own r2 has fewer digits."""
    (a, b, c, d), _ = _theirs(function.name, x, y)
    left = y - (c * function.torch(a * x + b) + d)
    return float(left.square().mean() / (y - y.mean()).square().mean())


def run(scale: Scale, peaks: Peaks) -> Section:
    del peaks
    section = Section("candidates", "All symbolic candidates on one edge", TEXT)
    names = NAMES[: scale.of(len(NAMES), 3)]
    same, whole = functions_of(names), functions_of(None)
    jobs: dict[str, Job] = {f"{OURS}, whole library": ours(whole), f"{OURS}, pykan's library": ours(same)}
    if pykan.INSTALLED:
        jobs[f"{PYKAN}, pykan's library"] = theirs(names)
    with threads(1):
        runs = alternate(jobs, scale.of(9, 1), seconds=scale.of(60, 1))
        counts = exact(names, scale.of(3, 1))
    first = f"{OURS}, pykan's library"
    rows: list[list[str]] = [
        [name, str(len(whole if "whole" in name else same)), seconds(r.median("wall")), seconds(r.median("cpu")),
         f"±{50 * r.spread('cpu'):.0f}%", times(ratio(r, runs[first], "cpu"))]
        for name, r in runs.items()
    ]  # fmt: skip
    section.tables.append(Table(["", "functions", "wall", "CPU", "middle half", "over ours"], rows))
    images = (len(names) - ("0" in names)) * scale.of(3, 1)
    told: dict[str, Any] = {name: f"{counts[name]} of {images}" for name in counts}
    if not pykan.INSTALLED:
        told[PYKAN] = "not installed"
    section.tables.append(Table(["", "exact images found"], [[name, text] for name, text in told.items()]))
    taken = runs[f"{OURS}, whole library"].median("cpu")
    work = Work("candidates", jobs[f"{OURS}, whole library"], 5)
    job = f"the whole library on one edge, {SAMPLES:,} samples"
    section.goals.append(scale.goal(job, seconds(taken), f"below {seconds(LIMIT)}", taken < LIMIT, work))
    found, wanted = counts[OURS], images
    section.goals.append(scale.goal("exact images found", f"{found} of {wanted}", "all", found == wanted))
    return section
