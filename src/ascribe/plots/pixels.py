"""Images as a picture needs them: pixels of eight bits, and one attribution a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ascribe.core.arrays import as_array
from ascribe.core.attribution import Attribution
from ascribe.core.grouping import grouped
from ascribe.core.nest import leaves
from ascribe.errors import InputError
from ascribe.maths.interpolation import upsampled
from ascribe.plots.values import of_row

CHANNELS = (1, 3, 4)
"""How many channels an image has: grey, colour, colour with opacity."""


def eight_bits(image: np.ndarray) -> UInt8[np.ndarray, "height width 3"]:
    """An image (height, width), or with 1, 3 or 4 channels last, as red, green and blue from 0 to 255.

    Numbers from 0 to 1 and from 0 to 255 are read as they are; others (an image that was normalised) are stretched
    from their smallest to their largest. Opacity is left out.  Raises InputError for another shape.
    """
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[-1] not in CHANNELS:
        raise InputError(
            f"an image has shape {image.shape}; pass (height, width), or 1, 3 or 4 channels: (height, width, channels)."
        )
    levels = np.nan_to_num(_levels(image)[..., :3])
    return np.broadcast_to(np.clip(levels, 0, 255).astype(np.uint8), (*image.shape[:2], 3))


def _levels(image: np.ndarray) -> np.ndarray:
    if image.dtype == np.uint8 or not image.size:
        return image
    low, high = float(np.nanmin(image)), float(np.nanmax(image))
    if low < 0 or high > 255:
        return 255 * ((image - low) / (high - low) if high > low else np.full(image.shape, 0.5))
    return image * 255.0 if high <= 1 else image


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether rows of this shape look like images: three dimensions, of which one can be channels and two are wide."""
    return _channels(shape) is not None


def _channels(shape: tuple[int, ...]) -> int | None:
    """Which dimension of a row is the channels, if it looks like an image."""
    if len(shape) != 3:
        return None
    places = [place for place in (0, 2) if shape[place] in CHANNELS]
    return next((place for place in places if min(np.delete(shape, place)) > max(CHANNELS)), None)


def has_image(attribution: Attribution) -> bool:
    """Whether the rows that were explained are images, and not the value of a layer."""
    inputs, values = leaves(attribution.inputs), leaves(attribution.values)
    of_layer = attribution.at is not None and attribution.method.yields == "place"
    return len(inputs) == len(values) == 1 and not of_layer and is_image(tuple(inputs[0].shape[1:]))


def own_image(attribution: Attribution, row: int) -> UInt8[np.ndarray, "height width 3"] | None:
    """The row that was explained, where it is an image."""
    if not has_image(attribution):
        return None
    image = as_array(leaves(attribution.inputs)[0][row])
    return eight_bits(np.moveaxis(image, _channels(image.shape) or 0, -1))


def given_image(image: Any) -> UInt8[np.ndarray, "height width 3"]:
    """An image from a user: an array or tensor, grey or with its channels first or last."""
    array = as_array(image) if isinstance(image, Tensor) else np.asarray(image)
    if array.ndim == 3 and _channels(array.shape) == 0:
        array = np.moveaxis(array, 0, -1)
    return eight_bits(array)


def attribution_map(attribution: Attribution, row: int, segments: Any = None) -> Float[np.ndarray, "height width"]:
    """One attribution a pixel: the sum over the channels, or that of the pixel's segment.

    `segments` are the ids that were given as `groups=`, one an entry or one a pixel, of one row or of all.

    Raises InputError where the values of a row are no map.
    """
    if segments is not None:
        return _spread(attribution, row, segments)
    values = of_row(attribution, row)
    if values.ndim == 3:
        place = _channels(values.shape)
        return values.sum(0 if place is None else place)
    if values.ndim != 2:
        advice = "pass segments=, the ids given as groups=" if values.ndim == 1 else "explain images of two dimensions"
        raise InputError(f"the values of a row have shape {values.shape}, which is no image; {advice}.")
    return values


def _spread(attribution: Attribution, row: int, segments: Any) -> np.ndarray:
    values = of_row(attribution, row)
    ids = np.asarray(segments.cpu() if isinstance(segments, Tensor) else segments)
    players = grouped(ids, ids.shape, ())
    if values.shape != (players.count,):
        raise InputError(
            f"segments name {players.count} groups, but the values of a row have shape {values.shape}; "
            "pass the ids that were given as groups=."
        )
    number = players.ids.numpy()
    entries = tuple(leaves(attribution.inputs)[0].shape[1:])
    if ids.ndim > 2 and ids.shape != entries and len(ids) in (1, len(attribution.output)):
        # ids of every row
        number = number[row if len(ids) > 1 else 0]
    pixels = values[number]
    if pixels.ndim == 2:
        return pixels
    place = _channels(pixels.shape)
    if pixels.ndim != 3 or place is None:
        raise InputError(f"segments have shape {ids.shape}; pass an id a pixel: (height, width), or with channels.")
    channels = np.moveaxis(number, place, 0)
    # a segment that runs through all channels is one thing, not three
    whole = (channels == channels[0]).all()
    return np.moveaxis(pixels, place, 0)[0] if whole else pixels.sum(place)


def fitted(values: Float[np.ndarray, "h w"], size: tuple[int, int]) -> Float[np.ndarray, "height width"]:
    """A coarse map (of a layer, or of Grad-CAM) at the size of the image: linear between the middles of its cells."""
    if values.shape == size:
        return values
    return upsampled(torch.from_numpy(np.ascontiguousarray(values))[None, None], size, "linear")[0, 0].numpy()
