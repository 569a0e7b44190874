"""`model.plot(...)` with pykan's arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ascribe.core.drawing import Drawer, Pictures
from ascribe.errors import need


class Plot:
    """The descriptor: `model.plot(beta=...)` draws the network, `model.plot.features()` and others what they say."""

    def __get__(self, kan: Any, owner: type) -> Any:
        return self if kan is None else PykanPictures(Drawer().__get__(kan, owner))


class PykanPictures:
    """The pictures of one network."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __call__(
        self,
        folder: str = "./figures",
        beta: float | int = 3,
        metric: str = "backward",
        scale: float | int = 0.5,
        tick: bool = False,
        sample: bool = False,
        in_vars: Sequence[Any] | None = None,
        out_vars: Sequence[Any] | None = None,
        title: str | None = None,
        varscale: float | int = 1.0,
        **more: Any,
    ) -> Any:
        """The network, as a figure; `folder` has no effect: no file is written. What ascribe adds is given by name."""
        return current(
            self._pictures(
                beta=beta,
                metric=metric,
                scale=scale,
                tick=tick,
                sample=sample,
                in_vars=in_vars,
                out_vars=out_vars,
                title=title,
                varscale=varscale,
                **more,
            )
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return getattr(self._pictures, name)

    def __dir__(self) -> list[str]:
        return dir(self._pictures)


def current(figure: Any) -> Any:
    """The new figure, pyplot's current one from now on: `plt.show()` and `plt.savefig` are about it, as in pykan."""
    pyplot = need("matplotlib.pyplot", extra="plot")
    if figure.canvas.manager is None:
        pyplot.figure(FigureClass=lambda **_: figure)
    return figure
