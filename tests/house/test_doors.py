"""Doors that open on demand: what they load, that they hold what plain imports would, and that any first line works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
DOORS = [
    ".".join(path.parent.relative_to(SOURCE).parts)
    for path in sorted((SOURCE / "ascribe").rglob("__init__.py"))
    if "on_demand(__name__)" in path.read_text()
]


def python(program: str) -> list[str]:
    """What a program prints, in words, in a process of its own where torch is imported and nothing of ascribe."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys, time, torch\n{program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def loaded(line: str) -> set[str]:
    return set(python(f"{line}\nprint(*[name for name in sys.modules if name.split('.')[0] == 'ascribe'])"))


def test_the_public_door_loads_nothing_else() -> None:
    assert loaded("import ascribe") == {"ascribe", "ascribe.doors", "ascribe.methods"}


def test_explaining_loads_no_kan_and_no_other_method() -> None:
    modules = loaded("from ascribe import explain, IntegratedGradients")
    assert {name.split(".")[1] for name in modules - {"ascribe"}} == {"core", "doors", "errors", "maths", "methods"}
    assert {name for name in modules if "methods." in name} == {
        "ascribe.methods.integrated_gradients",
        "ascribe.methods.paths",
    }


def test_a_kan_loads_no_method() -> None:
    modules = loaded("from ascribe import KAN")
    assert {name.split(".")[1] for name in modules - {"ascribe"}} == {
        "core",
        "doors",
        "errors",
        "kan",
        "maths",
        "methods",
    }
    assert {name for name in modules if "methods" in name} == {"ascribe.methods"}


def test_the_public_door_costs_next_to_nothing_over_torch() -> None:
    program = """
begun = time.process_time()
import ascribe
own = time.process_time() - begun
print(own, begun)
"""
    own, torch_and_python = map(float, python(program))
    # A fiftieth was measured of what Python and torch take.
    assert own < torch_and_python / 5
