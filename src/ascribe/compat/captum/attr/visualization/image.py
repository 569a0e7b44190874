"""Attributions of an image, by Captum's names."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from ascribe.compat.captum.attr.visualization.settings import below, colours, figure, named, shares, show
from ascribe.errors import InputError
from ascribe.plots.overlay import Layers, overlay
from ascribe.plots.pixels import eight_bits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class ImageVisualizationMethod(Enum):
    """How an image is shown."""

    heat_map = 1
    blended_heat_map = 2
    original_image = 3
    masked_image = 4
    alpha_scaling = 5


STYLES: dict[str, str] = {
    "heat_map": "heat",
    "blended_heat_map": "blended",
    "original_image": "original",
    "masked_image": "masked",
    "alpha_scaling": "alpha",
}


def visualize_image_attr(
    attr: Any,
    original_image: Any = None,
    method: str = "heat_map",
    sign: str = "absolute_value",
    plt_fig_axis: tuple[Figure, Axes] | None = None,
    outlier_perc: float | int = 2,
    cmap: Any = None,
    alpha_overlay: float | int = 0.5,
    show_colorbar: bool = False,
    title: str | None = None,
    fig_size: tuple[float | int, float | int] = (6, 6),
    use_pyplot: bool = True,
) -> tuple[Figure, Axes]:
    """Attributions (height, width) or with channels last, over an image of this form; returns figure and axes.

    Raises InputError for an unknown method or sign, and where the image is missing.
    """
    style = named(STYLES, method, "method")
    values = np.asarray(attr)
    if values.ndim not in (2, 3):
        raise InputError(f"attr has shape {values.shape}; pass one image's: (height, width), or with channels last.")
    values = values.sum(2) if values.ndim == 3 else values
    sizes = shares(values, sign, outlier_perc)
    image = None if original_image is None else eight_bits(np.asarray(original_image))
    drawn, ax = figure(plt_fig_axis, use_pyplot, fig_size)
    ax = ax[0] if isinstance(ax, list) else ax
    both = sign == "all"
    opacity = alpha_overlay if style == "blended" else 1.0
    heat = overlay(ax, Layers(sizes, 1.0, both, image, colours(sign, cmap), opacity), style)
    if show_colorbar:
        bar = below(ax, pad=0.1)
        if heat is None:
            # an empty place keeps pictures with and without a bar in line
            bar.axis("off")
        else:
            drawn.colorbar(heat, orientation="horizontal", cax=bar)
    if title:
        ax.set_title(title)
    show(use_pyplot)
    return drawn, ax


def visualize_image_attr_multiple(
    attr: Any,
    original_image: Any,
    methods: Sequence[str],
    signs: Sequence[str],
    titles: Sequence[str] | None = None,
    fig_size: tuple[float | int, float | int] = (8, 6),
    use_pyplot: bool = True,
    **kwargs: Any,
) -> tuple[Figure, Axes | list[Axes]]:
    """Several views of one image side by side; the axes come as a list, or alone where there is one.

    Raises InputError where there are not as many signs and titles as methods.
    """
    for name, others in (("signs", signs), ("titles", titles)):
        if others is not None and len(others) != len(methods):
            raise InputError(f"methods has {len(methods)} entries and {name} {len(others)}; pass one for each method.")
    drawn, grid = figure(None, use_pyplot, fig_size, ncols=len(methods))
    every: list[Axes] = list(np.atleast_1d(np.asarray(grid, dtype=object)))
    for ax, method, sign, title in zip(every, methods, signs, titles or [None] * len(methods), strict=True):
        visualize_image_attr(attr, original_image, method, sign, (drawn, ax), title=title, use_pyplot=False, **kwargs)
    drawn.tight_layout()
    show(use_pyplot)
    return drawn, every[0] if len(methods) == 1 else every
