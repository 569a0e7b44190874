"""pykan's dictionary of functions, as a view of the native library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, KeysView, Mapping
from typing import Any, final

from torch import Tensor

from ascribe.compat.pykan._protected import PROTECTED, Protected, protected
from ascribe.core.arguments import checked
from ascribe.kan.symbolic import library as native
from ascribe.kan.symbolic.function import Function

Entry = tuple[Callable[[Tensor], Tensor], Callable[[Any], Any], float | int, Protected]


@final
class Library(Mapping[str, Entry]):
    """By name: the torch function, the sympy function, the complexity, and f(x, y_th), which has values everywhere."""

    def __getitem__(self, name: str) -> Entry:
        if name not in self:
            raise KeyError(name)
        return entry(native.function_named(name))

    def __iter__(self) -> Iterator[str]:
        yield from native.LIBRARY
        yield from native.ALIASES

    def __len__(self) -> int:
        return len(native.LIBRARY) + len(native.ALIASES)

    def keys(self) -> KeysView[str]:
        return dict.fromkeys(self).keys()  # which show themselves

    def __contains__(self, name: object) -> bool:
        return name in native.LIBRARY or name in native.ALIASES


SYMBOLIC_LIB = Library()


def entry(function: Function) -> Entry:
    """A function as pykan lists it."""
    return function.torch, function.sympy, function.complexity, protected(function)


@checked
def add_symbolic(
    name: str,
    fun: Callable[[Tensor], Tensor],
    c: float | int = 1,
    fun_singularity: Protected | None = None,
) -> None:
    """Add a function to the library, for this process.

    `fun_singularity(x, y_th)`, which gives a pair, is what stands for it where singularities are avoided; without one
    it is held between -y_th and y_th.  Raises InputError for a name that is taken.
    """
    native.add_symbolic(name, fun, c)
    if fun_singularity is not None:
        PROTECTED[name] = fun_singularity


def name_of(function: str | Callable[[Tensor], Tensor]) -> str:
    """The name under which the library has a function; one that it has not is added under a name of its own."""
    if isinstance(function, str):
        return native.function_named(function).name
    known = [name for name, held in native.LIBRARY.items() if held.torch is function]
    if known:
        return known[0]
    called = getattr(function, "__name__", "function").strip("<>")
    number = sum(name.partition(" ")[0] == called for name in native.LIBRARY)
    return native.add_symbolic(f"{called} {number + 1}" if number else called, function).name
