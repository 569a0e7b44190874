"""The colours of attributions in HTML: over whatever paper the page has."""

from __future__ import annotations

from ascribe.plots.palette import DOWN, UP
from ascribe.plots.ramp import rgb

STRONGEST = 0.6
"""Opacity of the fullest colour: text on it still stands out."""


def shade(share: float) -> str:
    """The colour of a share from -1, down, to 1, up; nothing at 0.

    >>> shade(-1.0), shade(0.5)
    ('rgba(47,122,184,0.60)', 'rgba(200,85,61,0.30)')
    """
    red, green, blue = rgb(UP if share > 0 else DOWN)
    return f"rgba({red},{green},{blue},{STRONGEST * min(abs(share), 1.0):.2f})"
