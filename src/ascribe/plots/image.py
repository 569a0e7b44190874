"""Where in an image the reasons for the output lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ascribe.core.attribution import Attribution
from ascribe.core.drawing import draws
from ascribe.errors import InputError
from ascribe.plots.canvas import WIDTH, axes, quiet
from ascribe.plots.labels import label, number
from ascribe.plots.overlay import Layers, overlay
from ascribe.plots.palette import DOWN, SIZE, UP
from ascribe.plots.pixels import attribution_map, fitted, given_image, own_image
from ascribe.plots.ramp import both_signs, one_sign
from ascribe.plots.strength import chosen, reach

if TYPE_CHECKING:
    import matplotlib.axes

OVER_AN_IMAGE = 0.85
"""Opacity of the strongest colour over the grey image, which still shows through."""
GREY = 0.6
"""Opacity of the grey image, so that colours stand out from its shadows."""


@draws(Attribution)
def image(
    attribution: Attribution,
    row: int = 0,
    *,
    style: str = "blended",
    sign: str = "all",
    outliers: float | int = 2.0,
    full: float | int | None = None,
    original: Any = None,
    segments: Any = None,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """One row's attributions over its image.

    `style`: "heat" alone, "blended" over the image in grey, "masked" (the image where the heat is), "alpha" (the image
    as opaque as the heat is strong), or "original". `sign`: "all" (blue pushes the output down, red up), "positive",
    "negative" or "absolute".

    Channels are added up; a coarse map (a layer's, Grad-CAM's) is drawn at the image's size. The colour is full at
    `full`, or else at the size beyond which `outliers` percent of all attribution lies; the label says where.
    `original` is the image where the row itself is none; `segments` are superpixels, the ids given as `groups=`.

    The last of `ax.images` is the heat, in the attribution's own units: `ax.figure.colorbar(ax.images[-1], ax=ax)`.

    Raises InputError for values that are no map, and for a style that needs what is missing.
    """
    values = attribution_map(attribution, row, segments)
    picture = given_image(original) if original is not None else own_image(attribution, row)
    if picture is not None:
        values = fitted(values, picture.shape[:2])
    elif style == "blended":
        style = "heat"
    heat = chosen(values, sign)
    if full is not None and not full > 0:
        raise InputError(f"full={full}; pass a size above 0 at which the colour is full, or leave it out.")
    full = reach(heat, outliers) if full is None else full
    height, width = values.shape
    ax = axes(ax, min(5.0, 4.2 * height / width) + 0.4, min(WIDTH, 4.4 * min(max(width / height, 0.7), 2.0)))
    strongest = OVER_AN_IMAGE if style == "blended" else 1.0
    cmap = both_signs(strongest) if sign == "all" else one_sign(COLOURS[sign], strongest)
    overlay(ax, Layers(heat, full, sign == "all", picture, cmap, grey=GREY), style)
    quiet(ax)
    if style != "original":
        ax.set_xlabel(_says(attribution, sign, full))
    return ax


COLOURS = {"positive": UP, "negative": DOWN, "absolute": SIZE}


def _says(attribution: Attribution, sign: str, full: float) -> str:
    what = {"all": "attribution", "positive": "pushes up", "negative": "pushes down", "absolute": "|attribution|"}[sign]
    size = f"±{number(full)}" if sign == "all" else number(full)
    scale = f"full colour at {size}" if full > 0 else "nothing to see"
    return f"{what}, {label(attribution.method.name)}\n{scale}"
