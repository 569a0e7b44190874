"""`model.plot(...)` with pykan's arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ascribe.core.drawing import Drawer, Pictures

_ARGUMENTS = ("beta", "metric", "scale", "tick", "sample", "in_vars", "out_vars", "title", "varscale")


class Plot:
    """The descriptor: `model.plot(folder=...)` draws the network, `model.plot.scores()` and others what they say.

    `folder` has no effect: no file is written; the figure is returned.
    """

    def __get__(self, kan: Any, owner: type) -> Any:
        return self if kan is None else PykanPictures(Drawer().__get__(kan, owner))


class PykanPictures:
    """The pictures of one network."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __call__(self, folder: str = "./figures", *args: Any, **settings: Any) -> Any:
        return self._pictures(**dict(zip(_ARGUMENTS, args, strict=False)), **settings)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return getattr(self._pictures, name)

    def __dir__(self) -> list[str]:
        return dir(self._pictures)
