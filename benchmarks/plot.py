"""The picture of a network with 1,110 edges."""

from __future__ import annotations

import io

from ascribe import KAN
from benchmarks.contenders import OURS, PYKAN
from benchmarks.data import uniform
from benchmarks.fits import CELLS
from benchmarks.machine import Peaks
from benchmarks.memory import Peak
from benchmarks.memory import peaks as memory_peaks
from benchmarks.peers import pykan
from benchmarks.report import Scale, Section, Table, Work, faster, seconds
from benchmarks.tables import mebibytes
from benchmarks.timing import Job

TEXT = """\
Drawn and written as PNG, in a process of its own; ours three times, the median; the memory of the first. Of a
network with more than 400 edges ascribe draws the strongest 400, and says so; pykan draws all. A picture has no
floor by formula."""

WIDTH, ROWS = [100, 10, 10, 1], 1000
FASTER, MEMORY = 10.0, 512.0


def picture(name: str) -> Job:
    """Draw the network and write the picture as PNG; what imports cost is left out."""
    x = uniform(ROWS, WIDTH[0])
    if name == OURS:
        kan = KAN(WIDTH, grid=CELLS, seed=2)
        kan.remember(x)
        KAN([2, 1]).plot().savefig(io.BytesIO())
        return lambda: kan.plot().savefig(io.BytesIO())
    net = pykan.network(WIDTH, CELLS, seed=2)
    net(x)

    def draw() -> None:
        import matplotlib.pyplot

        with pykan.quiet():
            net.plot()
            matplotlib.pyplot.savefig(io.BytesIO())
            matplotlib.pyplot.close("all")

    return draw


def run(scale: Scale, peaks: Peaks) -> Section:
    section = Section("plot", "The picture of [100, 10, 10, 1], 1,110 edges", TEXT)
    ours = memory_peaks("benchmarks.plot:picture", [[OURS]] * scale.of(3, 1))
    theirs = memory_peaks("benchmarks.plot:picture", [[PYKAN]]) if pykan.INSTALLED and scale.full else None
    reason = "not run: minutes and gigabytes, with BENCH_FULL=1" if pykan.INSTALLED else "not installed"
    if ours is None:
        section.notes.append("Not measured on this system.")
        return section
    mine = Peak(ours[0].mebibytes, sorted(p.seconds for p in ours)[len(ours) // 2])
    rows = [[OURS, seconds(mine.seconds), mebibytes(mine.mebibytes)]]
    rows.append(
        [PYKAN, reason, ""] if theirs is None else [PYKAN, seconds(theirs[0].seconds), mebibytes(theirs[0].mebibytes)]
    )
    section.tables.append(Table(["", "wall", "peak over the start"], rows))
    found = None if theirs is None else theirs[0].seconds / mine.seconds
    work = Work("plot", picture(OURS), 1)
    section.goals += [
        scale.goal(
            "plot, 1,110 edges, against pykan",
            seconds(mine.seconds) if found is None else faster(found),
            f"{FASTER:.0f}x faster",
            None if found is None else found >= FASTER,
            work,
        ),
        scale.goal(
            "plot, 1,110 edges, memory", mebibytes(mine.mebibytes), "under 512 MiB", mine.mebibytes < MEMORY, work
        ),
    ]
    return section
