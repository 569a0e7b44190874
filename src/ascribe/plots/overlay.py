"""Five ways to show one number a pixel together with the image it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float, UInt8

from ascribe.errors import InputError
from ascribe.plots.strength import relative

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.image


@final
@dataclass(frozen=True)
class Layers:
    """What lies over each other: `heat`, drawn in full at `full`, with both signs or from 0 upwards, and the image.

    `cmap` and `opacity` are those of the heat; `grey` is the opacity of the grey image under it.
    """

    heat: Float[np.ndarray, "height width"]
    full: float
    both_signs: bool
    image: UInt8[np.ndarray, "rows columns 3"] | None
    cmap: Any
    opacity: float = 1.0
    grey: float = 1.0


def overlay(ax: matplotlib.axes.Axes, layers: Layers, style: str) -> matplotlib.image.AxesImage | None:
    """Draw in one of the `STYLES`; returns the heat, which a colour bar can explain, where there is one.

    Raises InputError for an unknown style, for one that needs the image where there is none or has another size, and
    for weights of both signs.
    """
    if style not in STYLES:
        raise InputError(f"style={style!r}; pass one of {', '.join(map(repr, STYLES))}.")
    if style != "heat" and layers.image is None:
        raise InputError(f"style={style!r} shows the image, and there is none; pass original=, or style='heat'.")
    if style in ("masked", "alpha") and layers.both_signs:
        raise InputError(
            f"style={style!r} cannot show both signs; pass sign='positive', sign='negative' or sign='absolute'."
        )
    if style not in ("heat", "original") and _image(layers).shape[:2] != layers.heat.shape:
        raise InputError(
            f"the attributions are {layers.heat.shape} pixels and the image {_image(layers).shape[:2]}; pass both of "
            "one size, with the channels last."
        )
    heat = STYLES[style](ax, layers)
    ax.set_xticks([])
    ax.set_yticks([])
    return heat


def _heat(ax: matplotlib.axes.Axes, layers: Layers) -> matplotlib.image.AxesImage:
    # colours want a range: of nothing but zeros any will do
    full = layers.full or 1.0
    return ax.imshow(
        layers.heat,
        cmap=layers.cmap,
        vmin=-full if layers.both_signs else 0.0,
        vmax=full,
        alpha=_through(layers.opacity),
    )


def _blended(ax: matplotlib.axes.Axes, layers: Layers) -> matplotlib.image.AxesImage:
    ax.imshow(_image(layers).mean(2), cmap="gray", alpha=_through(layers.grey))
    return _heat(ax, layers)


def _masked(ax: matplotlib.axes.Axes, layers: Layers) -> None:
    ax.imshow((_image(layers) * _weights(layers)).astype(np.uint8))


def _alpha(ax: matplotlib.axes.Axes, layers: Layers) -> None:
    ax.imshow(np.concatenate([_image(layers), (255 * _weights(layers)).astype(np.uint8)], axis=2))


def _original(ax: matplotlib.axes.Axes, layers: Layers) -> None:
    ax.imshow(_image(layers))


def _through(opacity: float) -> float | None:
    """An opacity as matplotlib wants it: a 1 would undo the transparent parts of a colour scale."""
    return None if opacity == 1 else opacity


def _image(layers: Layers) -> np.ndarray:
    assert layers.image is not None
    return layers.image


def _weights(layers: Layers) -> np.ndarray:
    return relative(layers.heat, layers.full)[..., None]


STYLES: dict[str, Callable[[matplotlib.axes.Axes, Layers], matplotlib.image.AxesImage | None]] = {
    "heat": _heat,
    "blended": _blended,
    "masked": _masked,
    "alpha": _alpha,
    "original": _original,
}
"""The heat alone; over the image in grey; the image where the heat is; the image as opaque as the heat; the image."""
