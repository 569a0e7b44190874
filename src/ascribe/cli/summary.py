"""The few lines that the command ends with."""

from __future__ import annotations

from pathlib import Path

from ascribe.report.study import Study
from ascribe.report.write import PAGE

LEADING, LEAST = 5, 0.005


def summary(study: Study, out: Path, seconds: float) -> str:
    """The figures on the test part, the leading columns, what it took, and where the report is."""
    width = max(len(yardstick.name) for yardstick in study.models)
    lines = [f"{study.title}: {study.rows:,} rows, {study.test:,} of them to test on; {seconds:.0f} s"]
    for yardstick in study.models:
        figures = "   ".join(f"{name} {value:.4g}" for name, value in yardstick.test.items())
        lines.append(f"  {yardstick.name:{width}}   {figures}")
    leading = [score for score in study.scores if score.score >= LEAST][:LEADING]
    if leading:
        lines.append("scores: " + ", ".join(f"{s.name} {s.score:.2g} ± {s.error:.1g}" for s in leading))
    lines.append(f"report: {(out / PAGE).absolute()}")
    return "\n".join(lines)
