"""From noisy data to formula: some Feynman problems with noise added, whether the law is on the front and chosen.

Every problem that is done is kept in build/noise.json; delete the file to measure anew.
"""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any, NamedTuple

import sympy
import torch

from ascribe.kan.feynman import PROBLEMS, get_feynman_dataset
from ascribe.kan.symbolic.discovery import discover
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.snap import snap
from benchmarks.feynman import ROWS, VARIABLES, kept, rows
from benchmarks.machine import Peaks
from benchmarks.report import Scale, Section, Table

SECONDS, EVERY, NOISES = 20.0, 4, (0.01, 0.1)
TEXT = """\
{rows:,} rows of every {every}th Feynman problem of up to {variables} variables, with normal noise on y whose deviation
is 1% or 10% of y's; `discover(x, y, names)` with nothing set but the same {seconds:.0f} seconds; one thread. A formula
is the law where it gives fresh rows without noise to 1e-7 of the spread once its decimal constants have been fitted to
them, where none of its parts goes in that (a term that is 0, a factor that is 1), and where, as it was found, it
differs from the law on fresh rows by less than three times what the noise makes of so many constants. The error is that
of the chosen formula from the law, as a share of the spread.
"""


class Line(NamedTuple):
    """What came of one problem: the chosen formula, whether it or another of the front is the law."""

    formula: str
    chosen: bool
    front: bool
    error: float
    seconds: float


def solve(number: int, noise: float, seconds: float) -> Line:
    symbols, _, values, ranges = get_feynman_dataset(number)
    names = [str(symbol) for symbol in symbols]
    x, fresh = rows(ranges, ROWS, number), rows(ranges, ROWS, 1000 + number)
    y, wanted = values(x)[:, 0], values(fresh)[:, 0]
    draw = torch.randn(ROWS, generator=torch.Generator().manual_seed(2000 + number), dtype=y.dtype)
    found = discover(x, y + noise * y.std() * draw, names, seconds=seconds)

    def error_of(formula: Any) -> float:
        got = evaluate(formula, dict(zip(names, fresh.T, strict=True)))
        error = float((got - wanted).square().mean().sqrt() / wanted.std())
        return math.inf if math.isnan(error) else error

    def is_law(formula: Any) -> bool:
        if not error_of(formula) < 3 * noise * math.sqrt((len(formula.atoms(sympy.Float)) + 1) / ROWS):
            return False
        refitted = snap(formula, symbols, fresh, wanted)
        return refitted.error < (1e-7 * float(wanted.std())) ** 2 and parts(refitted.expression) >= parts(formula)

    chosen = is_law(found.formula)
    front = chosen or any(is_law(formula) for formula in found.table.formula)
    return Line(str(found.formula), chosen, front, error_of(found.formula), found.seconds)


def parts(formula: Any) -> int:
    """How many variables and terms stand in a formula."""
    every = list(sympy.preorder_traversal(formula))
    return sum(part.is_Symbol for part in every) + sum(len(part.args) for part in every if part.is_Add)


def run(scale: Scale, peaks: Peaks) -> Section:
    seconds = 3.0 if scale.quick else SECONDS
    text = TEXT.format(rows=ROWS, seconds=seconds, every=EVERY, variables=VARIABLES)
    section = Section("noise", "From noisy data to formula", text)
    torch.set_num_threads(1)
    store = Path("build") / ("noise_quick.json" if scale.quick else "noise.json")
    numbers = [p.number for p in PROBLEMS if len(p.variables) <= VARIABLES]
    numbers = numbers[:: 30 if scale.quick else EVERY]
    results = {
        noise: {n: Line(*kept(store, f"{noise} {n}", lambda n=n, v=noise: solve(n, v, seconds))) for n in numbers}
        for noise in NOISES
    }
    columns = ["noise", "problems", "law chosen", "law on the front", "median error", "median seconds", "slowest"]
    section.tables.append(Table(columns, [summary(noise, list(lines.values())) for noise, lines in results.items()]))
    section.tables.append(
        Table(
            ["problem", *(f"{noise:.0%}" for noise in NOISES)],
            [
                [f"{n}: `{PROBLEMS[n - 1].formula}`", *(verdict(lines[n]) for lines in results.values())]
                for n in numbers
            ],
            "Every problem",
        )
    )
    return section


def summary(noise: float, lines: list[Line]) -> list[str]:
    times, errors = [line.seconds for line in lines], [line.error for line in lines]
    counts = [sum(line.chosen for line in lines), sum(line.front for line in lines)]
    return [
        *(f"{noise:.0%}", str(len(lines)), *(f"{count} ({count / len(lines):.0%})" for count in counts)),
        *(f"{statistics.median(errors):.1e}", f"{statistics.median(times):.1f}", f"{max(times):.1f}"),
    ]


def verdict(line: Line) -> str:
    said = "law" if line.chosen else f"{'front' if line.front else 'other'}, {line.error:.1e}"
    return f"{said}, {line.seconds:.1f} s"
