"""How strong a value is drawn: its sign chosen, its size against that at which the colour is full."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ascribe.errors import InputError

SIGNS = ("all", "positive", "negative", "absolute")


def chosen(values: Float[np.ndarray, "*shape"], sign: str) -> Float[np.ndarray, "*shape"]:
    """The values of one sign as sizes from 0 upwards, or all as they are.

    Raises InputError for an unknown sign.

    >>> [chosen(np.array([-2.0, 3.0]), sign).tolist() for sign in ("positive", "negative", "absolute")]
    [[0.0, 3.0], [2.0, 0.0], [2.0, 3.0]]
    """
    if sign not in SIGNS:
        raise InputError(f"sign={sign!r}; pass one of {', '.join(map(repr, SIGNS))}.")
    if sign == "all":
        return values
    return np.abs(values) if sign == "absolute" else np.maximum(values if sign == "positive" else -values, 0.0)


def reach(values: Float[np.ndarray, "*shape"], outliers: float | int) -> float:
    """The size at which the colour is full: the largest values that hold `outliers` percent of all size lie beyond it.

    It is the first size, from the smallest up, at which the sizes so far make up the other percents; 0 where there is
    nothing to see, and the largest size for `outliers=0`.  Raises InputError outside 0 to 100.

    >>> reach(np.array([1.0, -1.0, 2.0, 6.0]), 0), reach(np.array([1.0, -1.0, 2.0, 6.0]), 60)
    (6.0, 2.0)
    """
    if not 0 <= outliers <= 100:
        raise InputError(f"outliers={outliers}; pass a percentage from 0 to 100.")
    sizes = np.sort(np.abs(values[np.isfinite(values)]))
    if not len(sizes) or sizes[-1] == 0:
        return 0.0
    sums = np.cumsum(sizes)
    # rounding may ask for more than all of them
    return float(sizes[min(np.searchsorted(sums, sums[-1] * 0.01 * (100.0 - outliers)), len(sizes) - 1)])


def relative(values: Float[np.ndarray, "*shape"], full: float) -> Float[np.ndarray, "*shape"]:
    """Values as shares of the size that is drawn in full, cut off at -1 and 1; 0 where there is nothing or NaN."""
    return np.nan_to_num(np.clip(values / full, -1.0, 1.0)) if full > 0 else np.zeros_like(values)
