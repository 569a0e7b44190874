"""Every name that a function asks of its module is there: a raise that nobody ran would end in a NameError."""

from __future__ import annotations

import builtins
import dis
import symtable
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import ascribe

ROOT = Path(ascribe.__file__).parent
EVERYWHERE = {*dir(builtins), "__file__", "__name__", "__path__"}


def asked(code: CodeType) -> Iterator[str]:
    yield from (step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL")
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from asked(inner)


def undefined(text: str) -> set[str]:
    symbols = symtable.symtable(text, "module", "exec").get_symbols()
    bound = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported() or s.is_namespace()}
    return set(asked(compile(text, "module", "exec"))) - bound - EVERYWHERE


def test_an_undefined_name_is_found():
    assert undefined("import os\ndef f():\n    return [os.sep, len, missing]") == {"missing"}


def test_every_name_is_defined():
    found = {str(path.relative_to(ROOT)): undefined(path.read_text()) for path in ROOT.rglob("*.py")}
    assert {path: names for path, names in found.items() if names} == {}
