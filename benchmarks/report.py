"""What the benchmarks found, as tables that can be kept, put together again and read."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks.profiling import shares, write
from benchmarks.timing import Job


@dataclass(frozen=True)
class Table:
    columns: list[str]
    rows: list[list[str]]
    title: str = ""

    def markdown(self) -> str:
        lines = [self.columns, ["---"] + ["---:"] * (len(self.columns) - 1), *self.rows]
        text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"**{self.title}**\n\n{text}" if self.title else text


@dataclass(frozen=True)
class Goal:
    """A target of the project: `met` is None where it could not be measured."""

    job: str
    measured: str
    target: str
    met: bool | None
    profile: str = ""  # of a missed one

    @property
    def verdict(self) -> str:
        if self.met is None:
            return "not measured"
        return "met" if self.met else f"**missed**{f' ([profile]({self.profile}))' if self.profile else ''}"


@dataclass
class Section:
    """What one file of the benchmarks has measured."""

    name: str
    title: str
    text: str
    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    measured: str = ""  # when, and how long it took

    def markdown(self) -> str:
        parts = [f"## {self.title}", self.text, *(table.markdown() for table in self.tables)]
        parts += [f"![{Path(picture).stem}]({picture})" for picture in self.pictures]
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        parts.append(f"*{self.measured}; `python -m benchmarks {self.name}`*")
        return "\n\n".join(parts)


class Work(NamedTuple):
    """What is looked into when it misses its target."""

    name: str  # of the file
    job: Job
    repeats: int = 5


@dataclass(frozen=True)
class Scale:
    """How much is measured, and where what was found goes."""

    out: Path
    quick: bool = False  # a test of the harness: few runs, small cases
    full: bool = False  # also what takes minutes or gigabytes
    _profiled: dict[str, str] = field(default_factory=dict)

    def of(self, usual: int, quick: int) -> int:
        return quick if self.quick else usual

    def goal(self, job: str, measured: str, target: str, met: bool | None, work: Work | None = None) -> Goal:
        """A goal; of a missed one the profile of `work` is written, once for all goals that it decides."""
        if met is not False or work is None:
            return Goal(job, measured, target, met)
        if work.name not in self._profiled:
            self._profiled[work.name] = write(self.out, work.name, shares(work.job, work.name, work.repeats))
        return Goal(job, measured, target, met, self._profiled[work.name])


def save(section: Section, out: Path) -> None:
    path = out / "results" / f"{section.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(section), indent=1) + "\n")


def read(name: str, out: Path) -> Section | None:
    """What `save` wrote, if it did."""
    path = out / "results" / f"{name}.json"
    if not path.exists():
        return None
    kept = json.loads(path.read_text())
    tables, goals = [Table(**t) for t in kept.pop("tables")], [Goal(**g) for g in kept.pop("goals")]
    return Section(**kept, tables=tables, goals=goals)


def summary(sections: list[Section]) -> Table:
    goals = [goal for section in sections for goal in section.goals]
    rows = [[goal.job, goal.measured, goal.target, goal.verdict] for goal in goals]
    return Table(["job", "measured", "target", ""], rows)


def seconds(value: float) -> str:
    """Three digits, in the unit that suits.

    >>> seconds(0.0000471), seconds(0.0123), seconds(4.92)
    ('47.1 µs', '12.3 ms', '4.92 s')
    """
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "never"
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (math.inf, 1.0, "s")):
        if value < limit:
            return f"{number(value * factor)} {unit}"
    raise AssertionError


def number(value: float) -> str:
    """Three digits.

    >>> number(0.0123), number(1.5), number(47.123), number(1234.5)
    ('0.0123', '1.50', '47.1', '1,234')
    """
    if math.isnan(value):
        return "-"
    if value == 0 or math.isinf(value):
        return str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}" if abs(value) >= 1e-3 else f"{value:.2e}"


def times(value: float) -> str:
    """A ratio.

    >>> times(3.14159)
    '3.14x'
    """
    return "-" if math.isnan(value) else f"{number(value)}x"


def faster(value: float) -> str:
    """A peer's time over ours, in words.

    >>> faster(7.25), faster(0.5)
    ('7.25x faster', '2.00x slower')
    """
    return f"{times(value)} faster" if not value < 1 else f"{times(1 / value)} slower"
