"""`python -m benchmarks [names] [--quick]` measures, and writes RESULTS.md, results/, profiles/ and pictures/."""

from __future__ import annotations

import argparse
import datetime
import os
import time
from importlib import import_module
from pathlib import Path

from benchmarks import machine, page
from benchmarks.report import Scale, Table, read, save

HERE = Path(__file__).parent
NAMES = (
    "fit_small", "fit_wide", "evaluation", "step", "step_large", "inference", "plot", "growth", "candidates",
    "gradients", "games", "kan_shapley", "images", "feynman", "noise",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all where none is given")
    parser.add_argument("--quick", action="store_true", help="few runs of small cases: a test of the benchmarks")
    parser.add_argument("--out", type=Path, help="where the results go: here, or with --quick build/benchmarks")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(NAMES)):
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(NAMES)}.")
    out = given.out or (HERE.parent / "build" / "benchmarks" if given.quick else HERE)
    scale = Scale(out, given.quick, full=os.environ.get("BENCH_FULL", "") == "1")
    peaks = machine.measure(given.quick)
    description = Table(["", ""], [list(line) for line in machine.describe(peaks)])
    for name in given.names or NAMES:
        started = time.perf_counter()
        section = import_module(f"benchmarks.{name}").run(scale, peaks)
        took = time.perf_counter() - started
        section.measured = f"{datetime.date.today().isoformat()}, in {took:.0f} s"
        save(section, out)
        print(section.markdown(), end="\n\n", flush=True)
    sections = [section for name in NAMES if (section := read(name, out)) is not None]
    page.write(out, description, sections)
    if not given.quick and given.out is None:
        page.publish(HERE.parent / "docs", description, sections)
    print(f"The results are in {out / 'RESULTS.md'}.")


if __name__ == "__main__":
    main()
