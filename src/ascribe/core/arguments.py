"""Arguments become what their annotations say; where they cannot, an error says what came and what is taken."""

from __future__ import annotations

import difflib
import inspect
import reprlib
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from operator import index
from typing import Any, SupportsFloat, SupportsIndex, TypeVar, Union

import numpy as np
import torch
from jaxtyping import AbstractArray
from torch import Tensor

from ascribe.errors import InputError

Thing = TypeVar("Thing", bound=Callable[..., Any])
# Hot, and traced by compilers; it says itself what is wrong with its input.
_APART = {"forward"}
_UNFIT: Any = object()
_FLAGS = bool | np.bool_


def whole_number(value: Any) -> int | None:
    """The whole number that a value is, of whatever library, also where it is written 1e9; flags and texts are none.

    >>> whole_number(1e9), whole_number(2.5), whole_number(True)
    (1000000000, None, None)
    """
    if isinstance(value, _FLAGS) or (isinstance(value, Tensor) and value.dtype is torch.bool):
        return None
    if isinstance(value, float | np.floating):
        return int(value) if value.is_integer() else None
    return index(value) if _works(index, value) else None


def checked(thing: Thing) -> Thing:
    """A function, or a class with its public methods, whose arguments are held against their annotations when called.

    That is whole and real numbers, flags, texts, functions, tensors (not their shapes), lists, devices and classes;
    what else an annotation says passes. Whole numbers arrive as `whole_number` has them, and flags as True and False.
    A name that the function does not take is no TypeError either.  Raises InputError.  Price: microseconds a call.

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
        parameters, hints, others = _annotated(function)
        called = type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
        placed = [_required(called, *entry, value) for entry, value in zip(hints, args, strict=False)]
        named: dict[str, Any] = {}
        for name, value in kwargs.items():
            if name not in parameters and not others:
                raise _unknown(called, name, list(parameters))
            named[name] = _required(called, *parameters[name], value) if name in parameters else value
        return function(*placed, *args[len(placed) :], **named)

    return guarded


Annotated = tuple[str, Any, Any]  # name, hint, default


@cache
def _annotated(function: Any) -> tuple[dict[str, Annotated], list[Annotated], bool]:
    """The parameters by name, those that may be given by place, in their order, and whether others are taken too."""
    bare = inspect.unwrap(function)
    named: dict[str, Annotated] = {}
    placed: list[Annotated] = []
    others = False
    for name, parameter in inspect.signature(bare).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            others |= parameter.kind == parameter.VAR_KEYWORD
            continue
        entry = name, _hint(bare, parameter.annotation), parameter.default
        named[name] = entry
        if parameter.kind != parameter.KEYWORD_ONLY:
            placed.append(entry)
    return named, placed, others


def _unknown(called: str, name: str, known: list[str]) -> InputError:
    near = difflib.get_close_matches(name, known, n=1)
    cure = f"did you mean {near[0]}=?" if near else "leave it out, or look in its help for what it takes."
    return InputError(f"{called} takes no {name}=; {cure}")


def _hint(function: Any, annotation: Any) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any
    probe = types.SimpleNamespace(__annotations__={"hint": annotation})
    try:
        return typing.get_type_hints(probe, function.__globals__)["hint"]
    except NameError:  # imported for the type checker alone
        return Any


def _required(called: str, name: str, hint: Any, default: Any, value: Any) -> Any:
    """What the function is given for a value."""
    if value is default:
        return value
    taken = _taken(value, hint)
    if taken is not _UNFIT:
        return taken
    came = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else reprlib.repr(value)
    known = default is not inspect.Parameter.empty and default is not None
    wanted = _either(hint)
    cure = f"pass {name}={default!r}, or another" if known else f"pass {wanted}"
    raise InputError(f"{name}={came}, but {called} takes {wanted}; {cure}.")


def _alternatives(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (Union, types.UnionType):
        found = tuple(each for part in typing.get_args(hint) for each in _alternatives(part))
        # Torch takes texts and numbers for devices too, but not any.
        return tuple(each for each in found if each not in (str, int)) if torch.device in found else found
    return (hint,)


def _taken(value: Any, hint: Any) -> Any:
    """The value as one of the alternatives has it, unchanged where one takes it so; _UNFIT where none does."""
    found = [_taken_as(value, each) for each in _alternatives(hint)]
    if any(each is value for each in found):
        return value
    return next((each for each in found if each is not _UNFIT), _UNFIT)


def _taken_as(value: Any, hint: Any) -> Any:
    origin = typing.get_origin(hint) or hint
    if hint in (int, SupportsIndex):
        number = whole_number(value)
        return _UNFIT if number is None else number
    if hint is bool:
        return bool(value) if isinstance(value, _FLAGS) or (_works(index, value) and index(value) in (0, 1)) else _UNFIT
    if origin in (Sequence, list, tuple):
        return _taken_each(value, hint, origin)
    if hint in (float, SupportsFloat):
        fits = not isinstance(value, _FLAGS | str | bytes) and _works(float, value)
    elif hint is torch.device:
        fits = not isinstance(value, bool) and _works(lambda device: torch.empty(0, device=device), value)
    elif hint is type(None):
        fits = value is None
    elif _is_array(hint):
        fits = isinstance(value, _array_type(hint))
    else:
        # Of what can be no class for isinstance (Any, a variable, literals) nothing is known.
        fits = hint is Any or not isinstance(origin, type) or _is_protocol(origin) or isinstance(value, origin)
    return value if fits else _UNFIT


def _taken_each(value: Any, hint: Any, origin: Any) -> Any:
    if isinstance(value, str | bytes | Mapping) or not (hasattr(value, "__len__") and _works(iter, value)):
        return _UNFIT
    inner = typing.get_args(hint) if origin is not tuple else ()
    if not (inner and isinstance(value, list | tuple)):
        return value
    found = [_taken(each, inner[0]) for each in value]
    if any(each is _UNFIT for each in found):
        return _UNFIT
    if all(each is old for each, old in zip(found, value, strict=True)):
        return value
    return tuple(found) if isinstance(value, tuple) else found


_NOUNS: dict[Any, str] = {
    int: "whole number",
    SupportsIndex: "whole number",
    float: "number",
    SupportsFloat: "number",
    bool: "flag, True or False",
    torch.device: "device that is here, such as 'cpu'",
    str: "text",
    Callable: "function",
}


def _words(hint: Any, many: bool = False) -> str:
    origin = typing.get_origin(hint) or hint
    if hint is type(None):
        return "None"
    if _is_array(hint):
        noun = "tensor" if issubclass(_array_type(hint), Tensor) else "numpy array"
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
    except (TypeError, ValueError, RuntimeError, AssertionError):  # the last of a torch without CUDA
        return False
    return True


def _is_array(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Tensor | AbstractArray)


def _array_type(hint: Any) -> type:
    """What an annotation with a shape is of: Float[np.ndarray, "rows"] of numpy's arrays."""
    return getattr(hint, "array_type", Tensor)


def _is_protocol(origin: type) -> bool:
    return getattr(origin, "_is_protocol", False)
