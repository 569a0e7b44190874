"""The most memory that a job takes over what the process had before: in a process of its own.

Run as `python -m benchmarks.memory MODULE:FUNCTION '[[...], ...]' '[...]'` it calls the function with every list of
arguments in turn, after the last one. The function makes what is there before (its arguments' data, say) and returns
the job.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

ROOT = Path(__file__).parents[1]


class Peak(NamedTuple):
    mebibytes: float  # over the start
    seconds: float


def peaks(function: str, calls: Sequence[Sequence[Any]], first: Sequence[Any] = ()) -> list[Peak] | None:
    """The peaks of the jobs that `function` ("module:name") returns, one after another in one new process, one thread.

    `first` are the arguments of a smaller job that runs before and is not measured: what libraries load at their first
    use is not the job's. None where the system keeps no peak that can be reset (it is Linux that does).
    Raises RuntimeError with what the process wrote when it failed.
    """
    if not Path("/proc/self/clear_refs").exists():
        return None
    command = [
        sys.executable,
        "-m",
        "benchmarks.memory",
        function,
        json.dumps(list(map(list, calls))),
        json.dumps(list(first)),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{function} failed in its own process:\n{done.stderr}")
    return [Peak(*pair) for pair in json.loads(done.stdout.splitlines()[-1])]


def _resident(kind: str) -> float:
    """MiB: "VmRSS" now, or "VmHWM" at the most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(kind):
            return float(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {kind}.")


def _measure(job: Any) -> Peak:
    gc.collect()
    # Memory that the allocator holds back from jobs before would hide what this one takes.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before, started = _resident("VmRSS"), time.perf_counter()
    job()
    return Peak(_resident("VmHWM") - before, time.perf_counter() - started)


def main(function: str, calls: str, first: str) -> None:
    torch.set_num_threads(1)
    module, name = function.split(":")
    prepare = getattr(importlib.import_module(module), name)
    if arguments := json.loads(first):
        prepare(*arguments)()
    found = [_measure(prepare(*arguments)) for arguments in json.loads(calls)]
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
