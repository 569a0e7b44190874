"""From numbers to what is drawn: the opacity of a score, the place of a value in its range, a range in words."""

from __future__ import annotations

import math

import numpy as np

from ascribe.errors import InputError
from ascribe.plots.labels import number

FAINTEST = 0.06
"""Opacity that an edge keeps, so that one can see that it is there."""


def opacity(scores: list[float] | np.ndarray, beta: float) -> np.ndarray:
    r"""$\tanh(\beta\cdot|score|)$, and never so little that an edge is not seen at all.

    Raises InputError for a beta that is no finite number.
    """
    if not math.isfinite(beta):
        raise InputError(f"beta={beta} is no strength; pass a finite number, as beta=3.")
    return np.maximum(np.tanh(beta * np.abs(np.asarray(scores, dtype=np.float64))), FAINTEST)


def ends(values: np.ndarray) -> tuple[float, float]:
    """The least and the largest number among the values; NaN where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (np.nan, np.nan)


def apart(low: float, high: float) -> tuple[str, str]:
    """Both ends in as many digits as tell them apart."""
    texts = [(number(low, digits), number(high, digits)) for digits in range(2, 7)]
    return next((both for both in texts if both[0] != both[1]), texts[0])


def unit(values: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`values` on the scale that runs from -1/2 to 1/2 over `whole`; a constant is in the middle."""
    low, high = ends(whole)
    # differences at the level of rounding are no shape
    if not high - low > 1e-6 * max(abs(low), abs(high)):
        return np.where(np.isfinite(values), 0.0, np.nan)
    # halves, as the range of the largest numbers is none
    return (values.astype(np.float64) / 2 - low / 2) / (high / 2 - low / 2) - 0.5
