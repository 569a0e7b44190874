"""Colour scales that are transparent at nothing, so that they lie over a page, a dark style or an image alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ascribe.plots.palette import DOWN, UP

if TYPE_CHECKING:
    from matplotlib.colors import LinearSegmentedColormap


def rgb(colour: str) -> tuple[int, int, int]:
    """A colour of the palette as red, green and blue from 0 to 255.

    >>> rgb("#c8553d")
    (200, 85, 61)
    """
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def both_signs(strongest: float = 1.0) -> LinearSegmentedColormap:
    """From the cold colour through nothing to the warm one; `strongest` is the opacity at the ends."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    ends = [to_rgba(DOWN, strongest), to_rgba(DOWN, 0.0), to_rgba(UP, 0.0), to_rgba(UP, strongest)]
    return LinearSegmentedColormap.from_list("ascribe both signs", list(zip((0.0, 0.5, 0.5, 1.0), ends, strict=True)))


def one_sign(colour: str, strongest: float = 1.0) -> LinearSegmentedColormap:
    """From nothing to a colour."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    return LinearSegmentedColormap.from_list(f"ascribe {colour}", [to_rgba(colour, 0.0), to_rgba(colour, strongest)])
