"""How time and memory of one training step grow with samples, inputs, width and grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from torch.nn import functional as F

from benchmarks import floors
from benchmarks.contenders import EFFICIENT, MLP, OURS, network
from benchmarks.data import uniform
from benchmarks.machine import Peaks
from benchmarks.memory import peaks as memory_peaks
from benchmarks.report import Scale, Section, Table, seconds
from benchmarks.step import stepper
from benchmarks.tables import mebibytes
from benchmarks.timing import Job, alternate, threads

TEXT = """\
Networks [inputs, width, 1], squared error, fused Adam, one thread: [64, 64, 1], five cells and batch 1,024, with one
of the four changed at a time. Time is CPU time, the median; memory the peak over what there was before the data,
network and optimiser were made. The MLP has as many parameters as the KANs, so its hidden layer grows with the grid."""

NAMES = (OURS, EFFICIENT, MLP)
FLOOR = "floor"
LINES = {
    OURS: ("#0b6e4f", "-", 2.2),
    EFFICIENT: ("#c8553d", "-", 1.4),
    MLP: ("#4a6fa5", "-", 1.4),
    FLOOR: ("#777777", ":", 1.2),
}


@dataclass(frozen=True)
class Case:
    """A network [inputs, width, 1] of `grid` cells, on a batch."""

    samples: int = 1024
    inputs: int = 64
    width: int = 64
    grid: int = 5


AXES: dict[str, tuple[int, ...]] = {
    "samples": (64, 256, 1024, 4096, 16384),
    "inputs": (4, 16, 64, 256, 1024),
    "width": (4, 16, 64, 256, 1024),
    "grid": (3, 6, 12, 25, 50, 100),
}


@dataclass(frozen=True)
class Curves:
    """Along one axis: a number a contender and point."""

    axis: str
    points: tuple[int, ...]
    time: dict[str, list[float]]  # CPU seconds
    memory: dict[str, list[float]]  # MiB over the start


def step(name: str, samples: int, inputs: int, width: int, grid: int) -> Job:
    x, y = uniform(samples, inputs), uniform(samples, 1, seed=1)
    net = network(name, [inputs, width, 1], grid)
    return stepper(net, lambda: F.mse_loss(net(x), y))


def made_and_stepped(name: str, samples: int, inputs: int, width: int, grid: int) -> Job:
    """For the memory of network, optimiser and two steps together."""

    def job() -> None:
        taken = step(name, samples, inputs, width, grid)
        taken()
        taken()

    return job


def run(scale: Scale, peaks: Peaks) -> Section:
    section = Section("growth", "Growth of one training step", TEXT)
    axes = {axis: points[: scale.of(len(points), 3)] for axis, points in AXES.items()}
    cases = [replace(Case(), **{axis: point}) for axis, points in axes.items() for point in points]
    time, memory = _time(scale, peaks, cases), _memory(cases)
    found: list[Curves] = []
    first = 0
    for axis, points in axes.items():
        part = slice(first, first := first + len(points))
        cut = ({name: values[part] for name, values in figures.items()} for figures in (time, memory))
        found.append(Curves(axis, points, *cut))
    for curves in found:
        columns = [curves.axis, *(f"{name}, time" for name in curves.time), *(f"{n}, memory" for n in curves.memory)]
        rows = [
            [
                f"{point:,}",
                *(seconds(t[k]) for t in curves.time.values()),
                *(mebibytes(m[k]) for m in curves.memory.values()),
            ]
            for k, point in enumerate(curves.points)
        ]
        section.tables.append(Table(columns, rows))
    path = scale.out / "pictures" / "growth.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(found, path)
    section.pictures.append("pictures/growth.png")
    return section


def _time(scale: Scale, peaks: Peaks, cases: list[Case]) -> dict[str, list[float]]:
    """CPU seconds of every contender in every case, and the floor."""
    found: dict[str, list[float]] = {name: [] for name in (*NAMES, FLOOR)}
    with threads(1):
        for case in cases:
            jobs = {name: step(name, *astuple(case)) for name in NAMES}
            for name, runs in alternate(jobs, scale.of(15, 3), seconds=scale.of(4, 1)).items():
                found[name].append(runs.median("cpu"))
            work = floors.step([case.inputs, case.width, 1], case.samples, case.grid)
            found[FLOOR].append(peaks.floor(*work))
    return found


def _memory(cases: list[Case]) -> dict[str, list[float]]:
    """MiB over the start; nothing where that cannot be measured."""
    found: dict[str, list[float]] = {}
    small = astuple(Case(samples=64, inputs=4, width=4))
    for name in NAMES:
        held = memory_peaks("benchmarks.growth:made_and_stepped", [[name, *astuple(c)] for c in cases], [name, *small])
        if held is not None:
            found[name] = [peak.mebibytes for peak in held]
    return found


def draw(found: Sequence[Curves], path: Path) -> None:
    """Time above, memory below, an axis of growth a column; both logarithmic, and shared along a row."""
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(found), sharey="row", sharex="col")
    for column, curves in enumerate(found):
        _panel(panels[0, column], curves.points, {n: [1e3 * t for t in v] for n, v in curves.time.items()})
        _panel(panels[1, column], curves.points, curves.memory)
        panels[1, column].set_xlabel(curves.axis)
    panels[0, 0].set_ylabel("ms a step (CPU)")
    panels[1, 0].set_ylabel("MiB over the start")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    figure.savefig(path, dpi=150)


def _panel(ax: Axes, points: Sequence[int], lines: Mapping[str, Sequence[float]]) -> None:
    for name, values in lines.items():
        colour, style, width = LINES[name]
        mark = "" if name == FLOOR else "o"
        ax.plot(points, values, color=colour, linestyle=style, linewidth=width, marker=mark, markersize=3.5, label=name)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(points, [f"{point:,}" for point in points])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.grid(True, which="major", color="#e4e4e4", linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
