"""Programs in processes where torch is imported and nothing of ascribe."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# One process imports torch, and every program gets a copy of it, where the system can copy processes.
_SERVED = "forkserver" in multiprocessing.get_all_start_methods()
_PROCESSES = multiprocessing.get_context("forkserver" if _SERVED else "spawn")


def run(program: str, folder: Path | None = None) -> Any:
    """What a program leaves in `answer`. It runs in `folder`; its error is an AssertionError here."""
    if _SERVED:
        _PROCESSES.set_forkserver_preload(["torch", __name__])
    ours, theirs = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_work, args=(program, folder, theirs))
    process.start()
    theirs.close()
    answer, error = ours.recv()
    process.join()
    assert not error, f"{program}\n{error}"
    return answer


def _work(program: str, folder: Path | None, pipe: Connection) -> None:
    names: dict[str, Any] = {}
    try:
        os.chdir(folder or ".")
        exec("import sys, torch\nassert 'ascribe' not in sys.modules", names)
        exec(program, names)
    except BaseException:
        pipe.send((None, traceback.format_exc()))
    else:
        pipe.send((names.get("answer"), ""))
