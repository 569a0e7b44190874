"""Arguments are what their annotations say; where they are not, an error says what came and what is taken."""

from __future__ import annotations

import inspect
import reprlib
import types
import typing
from collections.abc import Callable, Sequence
from functools import cache, wraps
from operator import index
from typing import Any, SupportsFloat, SupportsIndex, TypeVar, Union

from jaxtyping import AbstractArray
from torch import Tensor

from ascribe.errors import InputError

Thing = TypeVar("Thing", bound=Callable[..., Any])
# Hot, and traced by compilers; it says itself what is wrong with its input.
_APART = {"forward"}


def checked(thing: Thing) -> Thing:
    """A function, or a class with its public methods, whose arguments are held against their annotations when called.

    That is whole and real numbers, texts, functions, tensors (not their shapes), lists and classes; what else an
    annotation says passes, as do flags.  Raises InputError.  Price: microseconds a call.

    >>> @checked
    ... def power(x: float, p: int = 2) -> float: return x**p
    >>> power(1.5, 2.5)
    Traceback (most recent call last):
    ascribe.errors.InputError: p=2.5, but power takes a whole number; pass p=2, or another.
    """
    if inspect.isfunction(thing):
        return _guarded(thing)
    _check_methods(thing)
    return thing


def _check_methods(thing: Any) -> None:
    for name, member in list(vars(thing).items()):
        if name in _APART or (name.startswith("_") and name not in ("__init__", "__call__")):
            continue
        if isinstance(member, staticmethod | classmethod):
            setattr(thing, name, type(member)(_method(thing, name, member.__func__)))
        elif isinstance(member, types.FunctionType):
            setattr(thing, name, _method(thing, name, member))


def _method(owner: Any, name: str, function: Any) -> Any:
    guarded = _guarded(function)
    # Where it is found, which pickle asks for, also when the function was written elsewhere.
    guarded.__module__, guarded.__qualname__ = owner.__module__, f"{owner.__qualname__}.{name}"
    return guarded


def _guarded(function: Any) -> Any:
    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        parameters, hints = _annotated(function)
        called = type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
        for (name, hint, default), value in zip(hints, args, strict=False):
            _require(called, name, hint, default, value)
        for name, value in kwargs.items():
            if name in parameters:
                _require(called, *parameters[name], value)
        return function(*args, **kwargs)

    return guarded


Annotated = tuple[str, Any, Any]  # name, hint, default


@cache
def _annotated(function: Any) -> tuple[dict[str, Annotated], list[Annotated]]:
    """The parameters by name, and those that may be given by place, in their order."""
    bare = inspect.unwrap(function)
    named: dict[str, Annotated] = {}
    placed: list[Annotated] = []
    for name, parameter in inspect.signature(bare).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            break
        entry = name, _hint(bare, parameter.annotation), parameter.default
        named[name] = entry
        if parameter.kind != parameter.KEYWORD_ONLY:
            placed.append(entry)
    return named, placed


def _hint(function: Any, annotation: Any) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any
    probe = types.SimpleNamespace(__annotations__={"hint": annotation})
    try:
        return typing.get_type_hints(probe, function.__globals__)["hint"]
    except NameError:  # imported for the type checker alone
        return Any


def _require(called: str, name: str, hint: Any, default: Any, value: Any) -> None:
    if value is default or _fits(value, hint):
        return
    came = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else reprlib.repr(value)
    known = default is not inspect.Parameter.empty and default is not None
    wanted = _either(hint)
    cure = f"pass {name}={default!r}, or another" if known else f"pass {wanted}"
    raise InputError(f"{name}={came}, but {called} takes {wanted}; {cure}.")


def _alternatives(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (Union, types.UnionType):
        return tuple(each for part in typing.get_args(hint) for each in _alternatives(part))
    return (hint,)


def _fits(value: Any, hint: Any) -> bool:
    return any(_fits_one(value, each) for each in _alternatives(hint))


def _fits_one(value: Any, hint: Any) -> bool:
    origin = typing.get_origin(hint) or hint
    if hint in (int, SupportsIndex):
        return _works(index, value)
    if hint in (float, SupportsFloat):
        return not isinstance(value, str) and _works(float, value)
    if hint is type(None):
        return value is None
    if origin in (Sequence, list, tuple):
        if isinstance(value, str) or not (hasattr(value, "__len__") and _works(iter, value)):
            return False
        inner = typing.get_args(hint) if origin is not tuple else ()
        return not (inner and isinstance(value, list | tuple)) or all(_fits(each, inner[0]) for each in value)
    if _is_array(hint):
        return isinstance(value, Tensor)
    # Of what can be no class for isinstance (Any, a variable, literals, a flag) nothing is known.
    return hint in (Any, bool) or not isinstance(origin, type) or _is_protocol(origin) or isinstance(value, origin)


_NOUNS: dict[Any, str] = {
    int: "whole number",
    SupportsIndex: "whole number",
    float: "number",
    SupportsFloat: "number",
    str: "text",
    Callable: "function",
}


def _words(hint: Any, many: bool = False) -> str:
    origin = typing.get_origin(hint) or hint
    if hint is type(None):
        return "None"
    if _is_array(hint):
        noun = "tensor"
    elif origin in (Sequence, list, tuple):
        noun = "list"
    else:
        noun = _NOUNS.get(origin, getattr(origin, "__name__", str(origin)))
    words = f"{noun}s" if many else f"a {noun}"
    if origin in (Sequence, list) and typing.get_args(hint) not in ((), (Any,)):
        words += " of " + _either(typing.get_args(hint)[0], many=True)
    return words


def _either(hint: Any, many: bool = False) -> str:
    return " or ".join(dict.fromkeys(_words(each, many) for each in _alternatives(hint)))


def _works(take: Callable[[Any], Any], value: Any) -> bool:
    try:
        take(value)
    except (TypeError, ValueError, RuntimeError):
        return False
    return True


def _is_array(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Tensor | AbstractArray)


def _is_protocol(origin: type) -> bool:
    return getattr(origin, "_is_protocol", False)
