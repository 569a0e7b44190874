"""The page of results, and the part of it that goes into the documentation."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.report import Section, Table, summary

_INTRODUCTION = """\
# What was measured

`make bench` writes this page. All contenders of a table run in one process and take turns, each round starting with
another; times are medians over the rounds, and a ratio is the median of the ratios within a round. "Middle half" is
half the distance between the quartiles of the times. Memory is measured in processes of their own. A floor is the least
work (`benchmarks/floors.py`) over the machine's measured speed: the operations over that of a matrix product, or the
bytes over that of a copy, whichever takes longer.

"after efficient-kan" and "after fast-kan" are layers of our own (`benchmarks/peers/`) with the tensors and operations
of the two projects, which are on no registry; fast-kan computes another class of functions. pykan is version 0.2.8 from
PyPI."""
# A longer table is looked up rather than read: it stays in RESULTS.md, in the repository.
_READABLE = 40
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"


def write(out: Path, description: Table, sections: list[Section]) -> None:
    parts = [
        _INTRODUCTION,
        "## The machine",
        description.markdown(),
        "## Targets",
        summary(sections).markdown(),
    ]
    parts += [section.markdown() for section in sections]
    out.mkdir(parents=True, exist_ok=True)
    (out / "RESULTS.md").write_text("\n\n".join(parts) + "\n")


def publish(docs: Path, description: Table, sections: list[Section]) -> None:
    """Put tables and pictures between the two marks of docs/speed.md.  Raises ValueError where they are missing."""
    page = docs / "speed.md"
    head, begin, rest = page.read_text().partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page} has no {_BEGIN} ... {_END}; put the two lines where the figures go.")
    parts = [description.markdown(), "## Targets", _without_links(summary(sections)).markdown()]
    for section in sections:
        parts += [f"## {section.title}", section.text]
        parts += [_readable(table) for table in section.tables]
        for picture in section.pictures:
            target = docs / "speed" / Path(picture).name
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(docs.parent / "benchmarks" / picture, target)
            parts.append(f"![{target.stem}](speed/{target.name})")
    page.write_text(f"{head}{_BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{_END}{tail}")


def _readable(table: Table) -> str:
    if len(table.rows) <= _READABLE:
        return table.markdown()
    return f"{table.title or 'The whole table'}: {len(table.rows)} lines, in `benchmarks/RESULTS.md`."


def _without_links(table: Table) -> Table:
    """The profiles of missed targets stay in the repository."""
    return Table(table.columns, [[*row[:-1], "missed" if "missed" in row[-1] else row[-1]] for row in table.rows])
