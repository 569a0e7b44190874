"""Doors that open on demand: export lines that are read instead of run, each followed when its name is asked for."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import Any


def on_demand(package: str) -> bool:
    """Let a package load what its export lines name when that is asked for; False where there are none to be read.

    Its `__init__.py` calls this and stays the one list of its names, plain imports to every type checker and editor:

        if TYPE_CHECKING or not on_demand(__name__):
            from package.module import Name as Name
            from package.room import *

    Where a program is shipped without its source they are plain imports to Python too. The modules of the package are
    found under their own names. No export may have the name of one of them, which Python would put in its place when
    it loads it; only `from package import module as module` may, which is that module.

    Another name is an AttributeError, or where an import asks for it an ImportError, and says which name is near.
    """
    module = sys.modules[package]
    try:
        exports = dict(_exports(inspect.getsource(module)))
    except (OSError, TypeError):
        exports = {}

    def find(name: str) -> Any:
        home = exports.get(name, package)
        found = _module(f"{package}.{name}") if home == package else getattr(__import__(home, fromlist=[name]), name)
        if found is None:
            raise _unknown(package, name, names(), asker=sys._getframe(1).f_code.co_name)
        setattr(module, name, found)
        return found

    def names() -> list[str]:
        return sorted({*vars(module), *exports})

    # From here and not in the door itself, where a `__getattr__` would tell type checkers that every name exists.
    vars(module).update(__getattr__=find, __dir__=names)
    if exports:
        vars(module).update(__all__=list(exports))
    return bool(exports)


def _exports(source: str) -> Iterator[tuple[str, str]]:
    """The exported names, each with the module that it is imported from."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if alias.name == "*":
                    yield from ((name, node.module) for name in import_module(node.module).__all__)
                elif alias.asname == alias.name:
                    yield alias.name, node.module


def _module(name: str) -> ModuleType | None:
    if "._" in name:
        return None
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def _unknown(package: str, name: str, known: list[str], asker: str) -> Exception:
    # Capitals are what is mistyped most; of names that differ by them alone the first, a class, is meant.
    spelt = {one.lower(): one for one in reversed(known) if one[0] != "_"}
    near = get_close_matches(name.lower(), spelt, n=1)
    hint = f"; did you mean {spelt[near[0]]!r}?" if near else ""
    if asker == "_handle_fromlist" and name[0] != "_":
        # `from package import name`, which would drop an AttributeError's words and say nothing of a near name.
        return ImportError(f"cannot import name {name!r} from {package!r}{hint}", name=package)
    return AttributeError(f"module {package!r} has no attribute {name!r}{hint}", name=name)
