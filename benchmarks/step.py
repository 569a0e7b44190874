"""One step of Adam on a network for images of digits, as a loop of the user's own takes it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ascribe import KAN
from benchmarks import floors
from benchmarks.contenders import EFFICIENT, FAST, MLP, OURS, PYKAN, TORCH_ONLY, network
from benchmarks.data import uniform
from benchmarks.machine import Peaks
from benchmarks.peers import pykan
from benchmarks.report import Goal, Scale, Section, Work, faster, times
from benchmarks.tables import contenders
from benchmarks.timing import Job, Runs, alternate, ratio, threads

TEXT = """\
Five cells, cubic, exact B-splines on knots of every input's own; cross-entropy; `torch.optim.Adam(fused=True)` for all.
With the regulariser outputs and statistics come from one pass, `seen = kan.activations(x)`, and the loss is
`cross_entropy(seen.output, y) + lamb * kan.regularization(seen=seen)`. pykan without it is what `.speed()`
gives. The MLP has as many parameters, and ReLU. On one thread ratios are of CPU time, on two of wall time."""

WIDTH, ROWS, CELLS, LAMB = [784, 64, 10], 256, 5, 1e-3
STATISTICS, PYKAN_STATISTICS = "ascribe, with regulariser", "pykan, with regulariser"
# The peer, how many times its time ours should go into, and the words for it.
TARGETS = ((EFFICIENT, 7.0, "7x faster"), (FAST, 2.6, "2.6x faster"), (MLP, 1 / 1.3, "within 1.3x"))


def stepper(net: nn.Module, loss: Callable[[], Tensor]) -> Job:
    """Gradients away, loss, gradients, the fused Adam of torch."""
    optimiser = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-3, fused=True)

    def step() -> None:
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()

    return step


def run(scale: Scale, peaks: Peaks) -> Section:
    section = Section(
        "step",
        "One step of Adam, [784, 64, 10], batch 256",
        TEXT,
    )
    work = floors.step(WIDTH, ROWS, CELLS)
    floor = peaks.floor(*work)
    section.notes.append(f"The floor: {work.flops / 1e6:.0f} MFLOP and {work.bytes / 1e6:.0f} MB, Adam included.")
    absent = {} if pykan.INSTALLED else {PYKAN: "not installed"}
    for count in (1,) if scale.quick else (1, 2):
        clock = "cpu" if count == 1 else "wall"
        with threads(count):
            jobs = _jobs()
            runs = alternate(jobs, scale.of(80, 5), seconds=scale.of(40, 4))
        title = "one thread" if count == 1 else "two threads"
        section.tables.append(contenders(runs, OURS, clock, floor, title, absent))
        section.goals += _goals(scale, runs, jobs, title, "cpu" if count == 1 else "wall")
    return section


def _jobs() -> dict[str, Job]:
    x, y = uniform(ROWS, WIDTH[0]), torch.randint(10, (ROWS,), generator=torch.Generator().manual_seed(0))
    jobs: dict[str, Job] = {}
    for name in (OURS, *TORCH_ONLY, *((PYKAN,) if pykan.INSTALLED else ())):
        net = network(name, WIDTH, CELLS)
        jobs[name] = stepper(net, lambda net=net: F.cross_entropy(net(x), y))
    kan = network(OURS, WIDTH, CELLS)
    assert isinstance(kan, KAN)

    def penalised() -> Tensor:
        seen = kan.activations(x)
        return F.cross_entropy(seen.output, y) + LAMB * kan.regularization(seen=seen)

    jobs[STATISTICS] = stepper(kan, penalised)
    if pykan.INSTALLED:
        peer = pykan.network(WIDTH, CELLS)
        jobs[PYKAN_STATISTICS] = stepper(peer, lambda: F.cross_entropy(peer(x), y) + LAMB * pykan.penalty(peer))
    return jobs


def _goals(scale: Scale, runs: dict[str, Runs], jobs: dict[str, Job], title: str, clock: str) -> list[Goal]:
    assert clock in ("cpu", "wall")
    goals: list[Goal] = []
    for peer, factor, words in TARGETS:
        found = ratio(runs[peer], runs[OURS], clock)
        measured = f"{times(1 / found)} its time" if factor < 1 else faster(found)
        job = f"step [784, 64, 10], {title}, against {peer}"
        goals.append(scale.goal(job, measured, words, found >= factor, Work("step", jobs[OURS])))
    cost = ratio(runs[STATISTICS], runs[OURS], clock)
    job = f"step [784, 64, 10], {title}, with the regulariser against without"
    goals.append(scale.goal(job, times(cost), "under 1.3x", cost < 1.3, Work("step-regulariser", jobs[STATISTICS])))
    return goals
