"""Where the time of a job goes: its operations and its Python functions, the dearest first."""

from __future__ import annotations

import cProfile
import io
import pstats
from pathlib import Path

from torch.profiler import ProfilerActivity, profile

from benchmarks.timing import Job

_LINES = 15


def shares(job: Job, title: str, repeats: int = 5) -> str:
    """Two tables: torch's operations by their own time, and Python's functions by theirs."""
    job()
    with profile(activities=[ProfilerActivity.CPU]) as operations:
        for _ in range(repeats):
            job()
    functions = cProfile.Profile()
    functions.enable()
    for _ in range(repeats):
        job()
    functions.disable()
    text = io.StringIO()
    pstats.Stats(functions, stream=text).strip_dirs().sort_stats("tottime").print_stats(_LINES)
    table = operations.key_averages().table(sort_by="self_cpu_time_total", row_limit=_LINES, max_name_column_width=48)
    return f"{title}, {repeats} times\n\nOperations of torch\n{table}\nFunctions of Python\n{text.getvalue()}"


def write(folder: Path, name: str, text: str) -> str:
    """The path of the file, relative to the folder of the results."""
    path = folder / "profiles" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")
    return f"profiles/{name}.txt"
