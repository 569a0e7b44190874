"""The picture of networks from a hundred edges to ten thousand, and the page that answers."""

from __future__ import annotations

import io
from collections.abc import Sequence

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
network with more than 1,000 edges ascribe draws the strongest 1,000, and says so; pykan draws all. "page" is the
interactive HTML of the same network. A picture has no floor by formula."""

ROWS = 1000
PEER = [100, 10, 10, 1]
HUNDRED, THOUSAND, TEN_THOUSAND = [10, 9, 1], [90, 10, 9, 1], [100, 100, 1]
EDGES = {99: HUNDRED, 999: THOUSAND, 1110: PEER, 10100: TEN_THOUSAND}
FASTER, MEMORY = 10.0, 500.0
LIMITS = {99: 2.0, 999: 10.0}
"""Seconds that the picture of so many edges may take."""


def picture(name: str, width: Sequence[int], page: bool = False) -> Job:
    """Draw the network and write the picture as PNG, or its page; what imports cost is left out."""
    x = uniform(ROWS, width[0])
    if name == OURS:
        kan = KAN(width, grid=CELLS, seed=2)
        kan.remember(x)
        KAN([2, 1]).plot().savefig(io.BytesIO())
        if page:
            return lambda: io.StringIO().write(kan.plot.html().html)
        return lambda: kan.plot().savefig(io.BytesIO())
    net = pykan.network(list(width), CELLS, seed=2)
    net(x)

    def draw() -> None:
        import matplotlib.pyplot

        with pykan.quiet():
            net.plot()
            matplotlib.pyplot.savefig(io.BytesIO())
            matplotlib.pyplot.close("all")

    return draw


def _median(scale: Scale, width: Sequence[int], page: bool = False) -> Peak | None:
    """The time in the middle, and the memory of the first."""
    found = memory_peaks("benchmarks.plot:picture", [[OURS, list(width), page]] * scale.of(3, 1))
    if found is None:
        return None
    return Peak(found[0].mebibytes, sorted(p.seconds for p in found)[len(found) // 2])


def run(scale: Scale, peaks: Peaks) -> Section:
    section = Section("plot", "The pictures of a network", TEXT)
    ours = {count: _median(scale, width) for count, width in EDGES.items()}
    page = _median(scale, THOUSAND, page=True)
    theirs = memory_peaks("benchmarks.plot:picture", [[PYKAN, PEER]]) if pykan.INSTALLED and scale.full else None
    reason = "not run: minutes and gigabytes, with BENCH_FULL=1" if pykan.INSTALLED else "not installed"
    mine = ours[1110]
    if mine is None or page is None:
        section.notes.append("Not measured on this system.")
        return section
    rows = [
        [OURS, f"{count:,}", seconds(found.seconds), mebibytes(found.mebibytes)]
        for count, found in ours.items()
        if found is not None
    ]
    rows.append([f"{OURS}, page", "999", seconds(page.seconds), mebibytes(page.mebibytes)])
    rows.append(
        [PYKAN, "1,110", reason, ""]
        if theirs is None
        else [PYKAN, "1,110", seconds(theirs[0].seconds), mebibytes(theirs[0].mebibytes)]
    )
    section.tables.append(Table(["", "edges", "wall", "peak over the start"], rows))
    ratio = None if theirs is None else theirs[0].seconds / mine.seconds
    section.goals.append(
        scale.goal(
            "plot, 1,110 edges, against pykan",
            seconds(mine.seconds) if ratio is None else faster(ratio),
            f"{FASTER:.0f}x faster",
            None if ratio is None else ratio >= FASTER,
            Work("plot", picture(OURS, PEER), 1),
        )
    )
    for count, limit in LIMITS.items():
        found = ours[count]
        assert found is not None
        work = Work(f"plot_{count}", picture(OURS, EDGES[count]), 1)
        section.goals += [
            scale.goal(
                f"plot, {count} edges", seconds(found.seconds), f"under {limit:.0f} s", found.seconds < limit, work
            ),
            scale.goal(
                f"plot, {count} edges, memory",
                mebibytes(found.mebibytes),
                f"under {MEMORY:.0f} MB",
                found.mebibytes * 1.048576 < MEMORY,
                work,
            ),
        ]
    return section
