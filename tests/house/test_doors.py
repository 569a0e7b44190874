"""Doors that open on demand: what they load, that they hold what plain imports would, what they say of other names."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from house.fresh import run

SOURCE = Path(__file__).parents[2] / "src"
DOORS = [
    ".".join(path.parent.relative_to(SOURCE).parts)
    for path in sorted((SOURCE / "ascribe").rglob("__init__.py"))
    if "not on_demand(__name__)" in path.read_text()
]


def loaded(line: str) -> set[str]:
    """The modules of ascribe that a line of a program brings."""
    return run(f"{line}\nanswer = {{name for name in sys.modules if name.split('.')[0] == 'ascribe'}}")


def rooms(modules: set[str]) -> set[str]:
    return {name.split(".")[1] for name in modules - {"ascribe"}}


def test_the_public_door_loads_nothing_else() -> None:
    assert loaded("import ascribe") == {"ascribe", "ascribe.doors", "ascribe.methods"}


def test_explaining_loads_no_kan_and_no_other_method() -> None:
    modules = loaded("from ascribe import explain, IntegratedGradients")
    assert rooms(modules) == {"core", "doors", "errors", "maths", "methods"}
    assert {name for name in modules if "methods." in name} == {
        "ascribe.methods.integrated_gradients",
        "ascribe.methods.paths",
    }


def test_a_kan_loads_no_method() -> None:
    modules = loaded("from ascribe import KAN")
    assert rooms(modules) == {"core", "doors", "errors", "kan", "maths", "methods"}
    assert {name for name in modules if "methods" in name} == {"ascribe.methods"}


def test_the_public_door_costs_next_to_nothing_over_torch() -> None:
    program = """
import time, torch
before = time.process_time()
import ascribe
print(before, time.process_time() - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    python_and_torch, own = map(float, done.stdout.split())
    # Less than a three-hundredth was measured, also where no bytecode is kept.
    assert own < python_and_torch / 10


@pytest.mark.parametrize("door", DOORS)
def test_no_export_has_the_name_of_a_module(door: str) -> None:
    """Python would put the module in its place when it loads it."""
    package = importlib.import_module(door)
    modules = {path.stem for path in Path(package.__path__[0]).iterdir()}
    meant = {name for name in package.__all__ if getattr(package, name) is sys.modules.get(f"{door}.{name}")}
    assert set(package.__all__) & modules == meant


def test_without_source_they_are_plain_imports() -> None:
    program = f"""
import importlib, inspect
def nothing(module):
    raise OSError("no source")
before, inspect.getsource = inspect.getsource, nothing
plain = {{door: dict(vars(importlib.import_module(door))) for door in {DOORS}}}
inspect.getsource = before
assert all("__all__" not in names for names in plain.values())
assert sys.modules["ascribe"].kan.feynman.PROBLEMS
for door in {DOORS[::-1]}:
    package = sys.modules[door]
    from ascribe.doors import on_demand
    assert on_demand(door)
    for name in package.__all__:
        delattr(package, name)
        assert getattr(package, name) is plain[door][name]
"""
    run(program)


@pytest.mark.parametrize("door", DOORS)
def test_another_name_is_an_error_with_the_nearest(door: str) -> None:
    package = importlib.import_module(door)
    name = next(name for name in package.__all__ if len(name) > 4)
    program = f"""
import {door}
answer = []
for statement in ("{door}.{name}z", "from {door} import {name}z", "{door}.zzz", "from {door} import zzz"):
    try:
        exec(statement)
    except (AttributeError, ImportError) as error:
        answer.append(f"{{type(error).__name__}}: {{error}}")
assert not hasattr({door}, "{name}z")
"""
    assert run(program) == [
        f"AttributeError: module '{door}' has no attribute '{name}z'; did you mean '{name}'?",
        f"ImportError: cannot import name '{name}z' from '{door}'; did you mean '{name}'?",
        f"AttributeError: module '{door}' has no attribute 'zzz'",
        f"ImportError: cannot import name 'zzz' from '{door}'",
    ]


@pytest.mark.parametrize(("typed", "meant"), [("Kan", "KAN"), ("Integratedgradients", "IntegratedGradients")])
def test_capitals_are_no_distance(typed: str, meant: str) -> None:
    with pytest.raises(AttributeError, match=f"did you mean '{meant}'"):
        getattr(importlib.import_module("ascribe"), typed)


def test_the_star_gives_every_name_and_nothing_else() -> None:
    program = """
before = {*globals(), "before"}
from ascribe import *
new = {*globals()} - before
import ascribe
assert new == set(ascribe.__all__) <= set(dir(ascribe)), new ^ set(ascribe.__all__)
assert all(globals()[name] is getattr(ascribe, name) for name in new)
"""
    run(program)


def test_threads_that_ask_at_once_get_the_same() -> None:
    program = """
import ascribe, threading
from concurrent.futures import ThreadPoolExecutor
names = ["KAN", "explain", "LRP", "Shapley", "compare", "plots", "kan", "Discovery"]
start = threading.Barrier(4 * len(names))
def ask(name):
    start.wait()
    return getattr(ascribe, name)
with ThreadPoolExecutor(4 * len(names)) as pool:
    found = list(pool.map(ask, 4 * names))
assert all(thing is getattr(ascribe, name) for name, thing in zip(4 * names, found, strict=True))
"""
    run(program)


def test_a_broken_module_keeps_its_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "room_with_a_door").mkdir()
    lines = "from ascribe.doors import on_demand\nif not on_demand(__name__):\n    from elsewhere import Name as Name\n"
    (tmp_path / "room_with_a_door" / "__init__.py").write_text(lines)
    (tmp_path / "room_with_a_door" / "broken.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    room = importlib.import_module("room_with_a_door")
    with pytest.raises(ModuleNotFoundError, match="elsewhere"):
        _ = room.Name
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        _ = room.broken
