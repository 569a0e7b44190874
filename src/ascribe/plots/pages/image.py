"""Images beside their attributions, as HTML."""

from __future__ import annotations

from html import escape

import numpy as np

from ascribe.core.attribution import Attribution
from ascribe.core.drawing import shows
from ascribe.core.nest import leaves
from ascribe.plots.labels import number
from ascribe.plots.pages.page import Page
from ascribe.plots.pages.png import data_uri
from ascribe.plots.palette import DOWN, UP
from ascribe.plots.pixels import attribution_map, fitted, has_image, own_image
from ascribe.plots.ramp import rgb
from ascribe.plots.strength import reach, relative
from ascribe.plots.values import one_output

GREY, STRONGEST = 0.6, 0.85
"""Opacity of the grey image on white, and of the fullest colour over it."""
SIDE = 160
"""Pixels of the longer side of an image in the page: a thumbnail keeps it small."""


def _are_images(attribution: Attribution) -> bool:
    values = leaves(attribution.values)
    return attribution.output.ndim == 1 and has_image(attribution) and values[0].ndim in (3, 4)


@shows(Attribution, _are_images)
def image(attribution: Attribution, *, top: int = 4, outliers: float | int = 2.0) -> Page:
    """The first `top` rows: the image, and its attributions over it in grey, blue down and red up.

    Every row has a scale of its own: the colour is full at the size beyond which `outliers` percent of its attribution
    lies.
    """
    one_output(attribution)
    rows = range(min(top, len(attribution.output)))
    figures = "".join(_figure(attribution, row, outliers) for row in rows)
    more = len(attribution.output) - len(rows)
    return Page(f"<div>{figures}{f'<p>and {more:,} more</p>' if more else ''}</div>")


def _figure(attribution: Attribution, row: int, outliers: float | int) -> str:
    picture = own_image(attribution, row)
    assert picture is not None
    values = fitted(attribution_map(attribution, row), picture.shape[:2])
    full = reach(values, outliers)
    says = (
        f"row {row}: output {number(float(attribution.output[row]))}, {escape(attribution.method.name)}, "
        f"full colour at ±{number(full)}"
    )
    step = -(-max(picture.shape[:2]) // SIDE)
    both = (picture[::step, ::step], _blended(picture[::step, ::step], relative(values, full)[::step, ::step]))
    style = f"width:{SIDE}px;margin-right:6px;image-rendering:pixelated"
    images = "".join(f"<img alt='' style='{style}' src='{data_uri(part)}'>" for part in both)
    figure = "<figure style='display:inline-block;margin:.5em 1.5em .5em 0'>"
    return f"{figure}{images}<figcaption>{says}</figcaption></figure>"


def _blended(picture: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Colours over the grey image on white."""
    grey = 255 - GREY * (255 - picture.mean(2, keepdims=True))
    opacity = STRONGEST * np.abs(shares)[..., None]
    colour = np.where(shares[..., None] > 0, rgb(UP), rgb(DOWN))
    return ((1 - opacity) * grey + opacity * colour).round().astype(np.uint8)
