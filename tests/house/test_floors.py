"""The walls of the house: imports point down, rooms of one floor keep apart, nothing goes round in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
FLOORS = {
    "errors": -1,
    "doors": -1,
    "maths": 0,
    "core": 1,
    "rules": 2,
    "methods": 2,
    "kan": 2,
    "metrics": 2,
    "gates": 2,
    "robust": 2,
    "influence": 2,
    "concepts": 2,
    "prompts": 2,
}
UPPER = {"plots", "report", "tables", "cli", "compat", "testing"}
# Rooms of floor 2 that may look into one another; every other pair may not.
DOORS_BETWEEN = {("methods", "rules"), ("influence", "concepts")}
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((SOURCE / "ascribe").rglob("*.py"))
}


def imported(module: str, path: Path) -> Iterator[str]:
    """The modules of ascribe that a file imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "ascribe")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively; write the absolute name"
            if node.module and node.module.split(".")[0] == "ascribe":
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield inner if inner in MODULES else node.module


def room(module: str) -> str:
    """The room of a module: `ascribe.kan.layer` is in `kan`."""
    return f"{module}.door".split(".")[1]


def floor(module: str) -> int:
    return FLOORS.get(room(module), 3)


IMPORTS = {module: sorted(set(imported(module, path))) for module, path in MODULES.items()}


def test_every_room_is_known():
    rooms = {room(module) for module in MODULES} - {"door"}
    assert rooms == FLOORS.keys() | UPPER


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_down(module: str):
    if module == "ascribe":
        return
    for other in IMPORTS[module]:
        assert other != "ascribe", f"{module} imports from the public door; import from the defining module"
        assert floor(other) <= floor(module), f"{module} (floor {floor(module)}) imports {other} (floor {floor(other)})"
        if floor(module) == floor(other) == 2 and room(module) != room(other):
            assert (room(module), room(other)) in DOORS_BETWEEN, f"{module} looks into the next room, {other}"


def test_no_cycles():
    # A package's own export lines import its modules; those are not edges of the graph but its labels.
    graph = {
        module: [m for m in others if m != module]
        for module, others in IMPORTS.items()
        if "__init__" not in str(MODULES[module])
    }
    TopologicalSorter(graph).prepare()


def test_names_say_what_is_inside():
    vague = {"utils", "util", "helper", "helpers", "manager", "common", "misc"}
    # pykan's users import `kan.utils`: the door to it keeps that name.
    assert [m for m in MODULES if vague & set(m.split(".")) and room(m) != "compat"] == []
