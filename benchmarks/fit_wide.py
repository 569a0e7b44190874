"""A whole fit of a hundred inputs, once: pykan takes minutes for it."""

from __future__ import annotations

import math

from benchmarks import floors
from benchmarks.contenders import PYKAN
from benchmarks.data import hundred_inputs
from benchmarks.fits import ALL_THREADS, CELLS, COLUMNS, Fits, train, train_pykan
from benchmarks.machine import Peaks
from benchmarks.peers import pykan
from benchmarks.report import Scale, Section, Table, Work, faster, seconds, times

TEXT = """\
Seed 2 of the network; ours three times, the median; pykan once, on the number of threads that is faster for one step.
Ratios of wall time. Objective and error as in the small fit."""

WIDTH, STEPS, SEED = [100, 10, 10, 1], 50, 2
FASTER = 60.0


def run(scale: Scale, peaks: Peaks) -> Section:
    steps, theirs = scale.of(STEPS, 2), scale.of(STEPS, 1)
    section = Section(
        "fit_wide",
        f"Whole fit, [100, 10, 10, 1], 1,000 samples, {steps} steps, lamb 1e-3",
        TEXT,
    )
    data = hundred_inputs()
    train(WIDTH, data, "LBFGS", 1, SEED)
    runs = scale.of(3, 1)
    ours = {opt: Fits([train(WIDTH, data, opt, steps, SEED) for _ in range(runs)]) for opt in ("LBFGS", "auto")}
    peer, count = None, 0
    if pykan.INSTALLED:
        tried = {count: train_pykan(WIDTH, data, 1, SEED, count).wall for count in (1, ALL_THREADS)}
        count = min(tried, key=lambda count: tried[count])
        peer = Fits([train_pykan(WIDTH, data, theirs, SEED, count)])
    # Every step of pykan has the same budget of evaluations.
    base = math.nan if peer is None else peer.wall * steps / theirs
    rows = [[f'ascribe, opt="{opt}"', *fits.cells(), times(base / fits.wall)] for opt, fits in ours.items()]
    rows.append(
        [PYKAN, "not installed", *[""] * 4] if peer is None else [f"{PYKAN}, threads: {count}", *peer.cells(), ""]
    )
    section.tables.append(Table(["", *COLUMNS, "pykan's wall over it"], rows))
    if theirs < steps:
        section.notes.append(f"pykan ran {theirs} of {steps} steps: the ratio takes its time for so many times longer.")
    floor = peaks.floor(*floors.evaluation(WIDTH, 1000, CELLS, size=8), double=True)
    section.notes.append(f"The floor of one evaluation in float64 is {seconds(floor)}; a step has up to 25 of them.")
    for opt, fits in ours.items():
        met = None if peer is None else base / fits.wall >= FASTER and fits.objective <= peer.objective
        than = "" if peer is None else f" (pykan {peer.objective:.2e})"
        section.goals.append(
            scale.goal(
                f'fit [100, 10, 10, 1], {steps} steps, opt="{opt}", against pykan',
                f"{faster(base / fits.wall)}, objective {fits.objective:.2e}{than}",
                f"{FASTER:.0f}x faster, objective no higher",
                met,
                Work(f"fit-wide-{opt}", lambda opt=opt: train(WIDTH, data, opt, 2, SEED), 1),
            )
        )
    return section
