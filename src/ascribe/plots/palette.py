"""The colours of every picture: mid tones that read on white and on near-black, apart for the colour-blind.

Neutral colours are not here: text and lines take the reader's own (`rcParams["text.color"]`, the axes' face), so that a
dark style stays dark. After Okabe & Ito (2008), a little calmer.
"""

from __future__ import annotations

UP = "#c8553d"
DOWN = "#2f7ab8"
FIRST = "#2f7ab8"
SECOND = "#d9822b"
SIZE = "#7a6bb5"
"""A size without a sign."""
SERIES = (FIRST, SECOND, "#3f9b79", "#b05a94", "#8a8f98", "#c8553d", "#5aa9d6", "#a58b2a", "#7a6bb5", "#6f9a3a")
"""One colour a method, in the order the methods were given; they repeat after ten."""

LOW_TO_HIGH = ("#2f7ab8", "#5f7fb5", "#8b80a8", "#a97a8c", "#bb6c68", "#c8553d")
"""Feature values from the lowest sixth to the highest, cold to warm through a tone of the same lightness."""
