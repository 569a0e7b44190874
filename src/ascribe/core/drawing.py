"""`a.plot(...)`, `a.plot.beeswarm(...)`, and what a notebook shows.

Pictures register themselves from a floor above, whose room is named here and loaded when the first is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, TypeVar, final

from ascribe.core.arguments import checked
from ascribe.errors import AscribeError

Picture = TypeVar("Picture", bound=Callable[..., Any])
Fits = Callable[[Any], bool]
# By the name of what is drawn, whose module need not be loaded for that.
_PICTURES: dict[str, dict[str, Callable[..., Any]]] = {}
_DEFAULT: dict[str, str] = {}
_PAGES: dict[type, list[tuple[Fits, Callable[..., Any]]]] = {}


class PlotError(AscribeError, AttributeError):
    """A picture that does not exist."""


def draws(owner: type | str, *, default: bool = False) -> Callable[[Picture], Picture]:
    """Register a function, whose first argument is the drawn object, as a picture of it under the function's name.

    `owner` is the object's class, or the class's full name where its room is not to be loaded for the picture's sake.

    >>> class Thing:
    ...     plot = Drawer()
    >>> @draws(Thing, default=True)
    ... def outline(thing, ax=None):
    ...     return "drawn"
    >>> Thing().plot(), Thing().plot.outline()
    ('drawn', 'drawn')
    """

    _hang()

    def register(picture: Picture) -> Picture:
        picture = checked(picture)
        name = owner if isinstance(owner, str) else _name(owner)
        _PICTURES.setdefault(name, {})[picture.__name__] = picture
        if default:
            _DEFAULT[name] = picture.__name__
        return picture

    return register


def shows(owner: type, fits: Fits) -> Callable[[Picture], Picture]:
    """Register a function that makes HTML of an object as what a notebook shows of those that it `fits`."""

    _hang()

    def register(page: Picture) -> Picture:
        _PAGES.setdefault(owner, []).append((fits, page))
        return page

    return register


def fitting_page(thing: Any) -> str | None:
    """The HTML by the first registered function that fits the object, or None.

    >>> @shows(complex, lambda number: number.imag == 0)
    ... def line(number):
    ...     return Page(f"<p>{number.real:g}</p>")
    >>> class Page(str):
    ...     _repr_html_ = str.__str__
    >>> fitting_page(2 + 0j), fitting_page(1j)
    ('<p>2</p>', None)
    """
    _hang()
    pages = _PAGES.get(type(thing), [])
    return next((page(thing)._repr_html_() for fits, page in pages if fits(thing)), None)


def _hang() -> None:
    """Load this package's pictures; before a user's own, which may so replace one."""
    import_module("ascribe.plots")


def _name(owner: type) -> str:
    return f"{owner.__module__}.{owner.__qualname__}"


@final
class Drawer:
    """The descriptor behind `plot`: called, it draws the default picture; its attributes are the pictures by name."""

    def __get__(self, thing: Any, owner: type) -> Any:
        return self if thing is None else Pictures(thing, owner)


@final
class Pictures:
    """The pictures of one object."""

    def __init__(self, thing: Any, owner: type) -> None:
        _hang()
        families = [family for family in map(_name, owner.__mro__) if family in _PICTURES]
        self._thing = thing
        self._named = {name: picture for family in reversed(families) for name, picture in _PICTURES[family].items()}
        self._default = next((_DEFAULT[family] for family in families if family in _DEFAULT), None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._default is None:
            raise PlotError(f"{type(self._thing).__name__} has no default picture; {self._advice()}")
        return self._named[self._default](self._thing, *args, **kwargs)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._named:
            raise PlotError(f"{type(self._thing).__name__} has no picture '{name}'; {self._advice()}")
        return partial(self._named[name], self._thing)

    def __dir__(self) -> list[str]:
        return sorted(self._named)

    def _advice(self) -> str:
        return "there are " + (", ".join(f".plot.{name}()" for name in sorted(self._named)) or "none")
