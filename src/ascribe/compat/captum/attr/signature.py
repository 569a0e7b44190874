"""Signatures as data: what a class of the table takes, shown by `help`, and checked with one clear error."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature
from typing import Any

from ascribe.errors import MethodError


def takes(*parts: Signature, **arguments: Any) -> Signature:
    """A signature from others and more arguments with their defaults; `...` where there is none.

    >>> takes(takes(inputs=...), n_steps=50)
    <Signature (inputs, n_steps=50)>
    """
    kind = Parameter.POSITIONAL_OR_KEYWORD
    given = [Parameter(n, kind, default=Parameter.empty if v is ... else v) for n, v in arguments.items()]
    return Signature([*(parameter for part in parts for parameter in part.parameters.values()), *given])


def bound(name: str, form: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, defaults filled in.  Raises MethodError for what the signature does not take."""
    try:
        found = form.bind(*args, **kwargs)
    except TypeError as error:
        raise MethodError(f"{name}: {error}; it takes {form}.") from error
    found.apply_defaults()
    return dict(found.arguments)


def signed(function: Callable[..., Any], form: Signature) -> Callable[..., Any]:
    """The same function of self with a signature that help and editors can show; it is `__wrapped__` in the result."""

    @wraps(function)
    def shown(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    own = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    vars(shown)["__signature__"] = Signature([own, *form.parameters.values()])
    return shown
