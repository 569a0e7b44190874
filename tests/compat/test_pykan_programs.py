"""Programs as pykan's users write them run with one word of their imports changed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "pykan_programs").glob("*.txt"))
# One process for all: they set the default dtype, and the imports cost more than they do.
DRIVER = """
import json, os, sys, traceback, torch
failed = {}
for name, source in json.loads(sys.stdin.read()).items():
    os.mkdir(name)
    os.chdir(name)
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(0)
    try:
        exec(compile(source, name, "exec"), {"__name__": name})
    except Exception:
        failed[name] = traceback.format_exc()
    os.chdir("..")
json.dump(failed, open("failed.json", "w"))
"""


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("programs")
    changed = {
        path.stem: re.sub(r"^from kan\b", "from ascribe.compat.pykan", path.read_text(), flags=re.MULTILINE)
        for path in PROGRAMS
    }
    settings = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps(changed),
        cwd=folder,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((folder / "failed.json").read_text())


@pytest.mark.parametrize("program", [path.stem for path in PROGRAMS])
def test_it_runs_with_its_import_changed(program: str, failed: dict[str, str]):
    assert program not in failed, failed[program]
