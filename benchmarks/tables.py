"""The table that most benchmarks end in: contenders in lines, their times beside ours and beside the floor."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.report import Table, number, seconds, times
from benchmarks.timing import Clock, Runs, ratio


def contenders(
    runs: Mapping[str, Runs], ours: str, clock: Clock, floor: float, title: str = "", absent: Mapping[str, str] = {}
) -> Table:
    """Medians; the ratio is that of `clock`, round by round. `absent` has a reason for everyone who did not run."""
    columns = ["", "wall", "CPU", "middle half", "runs", "over ours", "over the floor"]
    rows = [
        [
            name,
            seconds(r.median("wall")),
            seconds(r.median("cpu")),
            f"±{50 * r.spread(clock):.0f}%",
            str(len(r.times(clock))),
            times(ratio(r, runs[ours], clock)),
            times(r.median(clock) / floor),
        ]
        for name, r in runs.items()
    ]
    rows += [[name, reason, "", "", "", "", ""] for name, reason in absent.items()]
    rows.append(["floor, one thread", seconds(floor), "", "", "", times(floor / runs[ours].median(clock)), "1x"])
    return Table(columns, rows, title)


def mebibytes(value: float) -> str:
    return f"{number(value)} MiB"
