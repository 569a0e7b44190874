"""Which names `from ascribe.compat.pykan import *` gives: this package's, and with sympy installed all of sympy's."""

from __future__ import annotations

import importlib.util

# Modules that pykan's programs find among its names; the optional ones are imported when they are asked for.
OPTIONAL = {"plt": "matplotlib.pyplot", "sympy": "sympy"}


def star(own: list[str]) -> list[str]:
    """The names of `import *`, those of the package first."""
    there = [name for name, module in OPTIONAL.items() if importlib.util.find_spec(module.partition(".")[0])]
    if "sympy" not in there:
        return own + there
    import sympy

    taken = {*own, *there}
    return own + there + [name for name in sympy.__all__ if name[0] != "_" and name not in taken]
