"""One step of Adam on a wide network, where products of matrices and memory are all that counts."""

from __future__ import annotations

from torch.nn import functional as F

from benchmarks import floors
from benchmarks.contenders import EFFICIENT, FAST, MLP, OURS, PYKAN, TORCH_ONLY, network
from benchmarks.data import uniform
from benchmarks.machine import Peaks
from benchmarks.memory import peaks as memory_peaks
from benchmarks.report import Scale, Section, Table, Work, faster
from benchmarks.step import stepper
from benchmarks.tables import contenders, mebibytes
from benchmarks.timing import Job, alternate, ratio, threads

TEXT = """\
Five cells, cubic; squared error; one thread, ratios of CPU time. Memory is the peak of a process of its own over
what it had before the network was made: parameters, gradients, moments and whatever three steps need."""

CELLS = 5
TARGETS = ((EFFICIENT, 3.5, "3.5x faster"), (FAST, 1.8, "1.8x faster"), (MLP, 1.0, "faster"))
NAMES = (OURS, *TORCH_ONLY)


def steps(name: str, size: int) -> Job:
    """Make the network and the optimiser, and take three steps: memory has then reached its height."""
    x, y = uniform(size, size), uniform(size, size, seed=1)

    def job() -> None:
        net = network(name, [size] * 3, CELLS)
        step = stepper(net, lambda: F.mse_loss(net(x), y))
        for _ in range(3):
            step()

    return job


def run(scale: Scale, peaks: Peaks) -> Section:
    size = scale.of(1024, 256)
    width = [size] * 3
    work = floors.step(width, size, CELLS)
    section = Section(
        "step_large",
        f"One step of Adam, {width}, batch {size:,}",
        TEXT,
        notes=[f"The floor: {work.flops / 1e9:.1f} GFLOP and {work.bytes / 1e6:.0f} MB, Adam included."],
    )
    if not scale.quick:
        section.notes.append(
            f"pykan holds numbers a sample and edge: one of its tensors has {4 * size**3 / 2**30:.0f} GiB here, for"
            f" every basis {4 * size**3 * (CELLS + 3) / 2**30:.0f} GiB. It was not run."
        )
    x, y = uniform(size, size), uniform(size, size, seed=1)
    nets = {name: network(name, width, CELLS) for name in NAMES}
    jobs = {name: stepper(net, lambda net=net: F.mse_loss(net(x), y)) for name, net in nets.items()}
    with threads(1):
        runs = alternate(jobs, scale.of(9, 3), seconds=scale.of(80, 5))
        absent = {} if scale.quick else {PYKAN: "not run"}
        section.tables.append(contenders(runs, OURS, "cpu", peaks.floor(*work), "one thread", absent))
        for peer, factor, words in TARGETS:
            found = ratio(runs[peer], runs[OURS], "cpu")
            job = f"step {width}, batch {size:,}, against {peer}"
            section.goals.append(
                scale.goal(job, faster(found), words, found >= factor, Work("step-large", jobs[OURS], 2))
            )
    held = {name: memory_peaks("benchmarks.step_large:steps", [[name, size]], first=[name, 64]) for name in NAMES}
    found = {name: peak[0].mebibytes for name, peak in held.items() if peak is not None}
    job = f"memory of steps {width}, batch {size:,}"
    if found:
        section.tables.append(
            Table(["", "peak over the start"], [[n, mebibytes(m)] for n, m in found.items()], "memory")
        )
        least = min(m for name, m in found.items() if name != OURS)
        measured = f"{mebibytes(found[OURS])}, the others' least {mebibytes(least)}"
        section.goals.append(scale.goal(job, measured, "less than any", found[OURS] < least))
    else:
        section.goals.append(scale.goal(job, "-", "less than any", None))
    return section
