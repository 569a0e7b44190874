"""Whole fits of the network that reads which of four inputs matter."""

from __future__ import annotations

import math
import statistics

from benchmarks import floors
from benchmarks.contenders import PYKAN
from benchmarks.data import four_inputs
from benchmarks.fits import ALL_THREADS, CELLS, COLUMNS, Fit, Fits, disagreement, train, train_pykan
from benchmarks.machine import Peaks
from benchmarks.peers import pykan
from benchmarks.report import Scale, Section, Table, Work, faster, number, seconds, times

TEXT = """\
Medians over {seeds} seeds of the network, for pykan over as many as its lines say; ratios of wall time, to the
faster of pykan's lines. The objective, with its range over the seeds, is mean squared error + lamb * regulariser on
the training rows; the RMSE is that of 1,000 test rows. The last three columns: a `fit` of just as many steps as
bring the objective to pykan's median or below, and for how many of the seeds there is one."""

WIDTH, STEPS = [4, 5, 1], 40
OPTIMISERS = ("LBFGS", "LM", "auto")
FASTER, RMSE, SOON = 80.0, 2.1e-3, 0.2


def run(scale: Scale, peaks: Peaks) -> Section:
    ours, theirs = scale.of(10, 2), scale.of(4, 1)
    section = Section(
        "fit_small",
        "Whole fit, [4, 5, 1], 1,000 samples, 40 steps, lamb 1e-3",
        TEXT.format(seeds=ours),
    )
    data = four_inputs()
    train(WIDTH, data, "LBFGS", 2, seed=0)  # the first call imports
    found: dict[str, list[Fit]] = {opt: [] for opt in OPTIMISERS}
    counts = ([1] if scale.quick else sorted({1, ALL_THREADS})) if pykan.INSTALLED else []
    others: dict[int, list[Fit]] = {}
    for seed in range(ours):
        for opt in OPTIMISERS:
            found[opt].append(train(WIDTH, data, opt, STEPS, seed))
        if seed < theirs:
            for count in counts:
                others.setdefault(count, []).append(train_pykan(WIDTH, data, STEPS, seed, count))
            # The other seeds run only as the first one was faster.
            counts = [min(others, key=lambda count: others[count][0].wall)] if others else []
    fits = {opt: Fits(each) for opt, each in found.items()}
    peers = {f"{PYKAN}, threads: {count}, seeds: {len(each)}": Fits(each) for count, each in others.items()}
    peer = min(peers.values(), key=lambda each: each.wall, default=Fits([Fit(math.nan, math.nan, math.nan, math.nan)]))
    reached = {
        opt: [_shorter(opt, seed, fit, peer.objective) for seed, fit in enumerate(found[opt])] for opt in OPTIMISERS
    }
    rows = [
        [f'ascribe, opt="{opt}"', *fits[opt].cells(), times(peer.wall / fits[opt].wall), *_until(reached[opt], peer)]
        for opt in OPTIMISERS
    ]
    rows += [[name, *each.cells(), times(peer.wall / each.wall), "", "", ""] for name, each in peers.items()]
    if not peers:
        rows.append([PYKAN, "not installed", *[""] * 7])
    columns = ["", *COLUMNS, "pykan's wall over it", "until pykan's objective", "pykan's wall over that", "seeds"]
    section.tables.append(Table(columns, rows))
    if pykan.INSTALLED:
        apart = max(disagreement(WIDTH, data), 1e-7)
        section.notes.append(f"The two packages' formulas of the objective agree on one network, to {apart:.0e} of it.")
    floor = peaks.floor(*floors.evaluation(WIDTH, 1000, CELLS, size=8), double=True)
    section.notes.append(f"The floor of one evaluation in float64 is {seconds(floor)}; a step has up to 25 of them.")
    _goals(section, scale, fits, peer, reached["auto"])
    return section


def _shorter(opt: str, seed: int, fit: Fit, asked: float) -> float:
    """Wall seconds of a fit with just the steps that reach `asked`; infinite where none do."""
    steps = next((step + 1 for step, value in enumerate(fit.curve) if value <= asked), None)
    if steps is None:
        return math.inf
    found = train(WIDTH, four_inputs(), opt, steps, seed)
    # The network is float32, the objective of the curve float64.
    return found.wall if found.objective <= asked * (1 + 1e-4) else math.inf


def _until(reached: list[float], peer: Fits) -> list[str]:
    until = statistics.median(reached)
    faster = times(peer.wall / until) if math.isfinite(until) else "-"
    return [seconds(until), faster, f"{sum(map(math.isfinite, reached))} of {len(reached)}"]


def _goals(section: Section, scale: Scale, fits: dict[str, Fits], peer: Fits, reached: list[float]) -> None:
    data, known = four_inputs(), not math.isnan(peer.wall)
    work = {opt: Work(f"fit-small-{opt}", lambda opt=opt: train(WIDTH, data, opt, 8, 0), 1) for opt in OPTIMISERS}
    for opt in ("LBFGS", "auto"):
        found, value = peer.wall / fits[opt].wall, fits[opt].objective
        section.goals.append(
            scale.goal(
                f'fit [4, 5, 1], 40 steps, opt="{opt}", against pykan',
                f"{faster(found)}, objective {value:.2e} (pykan {peer.objective:.2e})",
                f"{FASTER:.0f}x faster, objective no higher",
                found >= FASTER and value <= peer.objective if known else None,
                work[opt],
            )
        )
    until = statistics.median(reached)
    section.goals.append(
        scale.goal(
            'fit [4, 5, 1], opt="auto", until pykan\'s last objective',
            f"{seconds(until)}, {faster(peer.wall / until)}"
            if math.isfinite(until)
            else "not reached from half of the seeds",
            f"{FASTER:.0f}x faster",
            peer.wall / until >= FASTER if known else None,
            work["auto"],
        )
    )
    wall, error = fits["auto"].wall, fits["auto"].rmse
    section.goals.append(
        scale.goal(
            'fit [4, 5, 1], 40 steps, opt="auto"',
            f"test RMSE {error:.2e} in {seconds(wall)}",
            f"{number(1e3 * RMSE)}e-3 in {seconds(SOON)}",
            error <= RMSE and wall <= SOON,
            work["auto"],
        )
    )
