"""How the length of Adam's steps goes with their number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, SupportsFloat

from ascribe.errors import TrainingError

Rate = Callable[[int], float]

# Where "step" goes down to a tenth, and to a hundredth.
_DROPS = (0.5, 0.75)


def rate_named(scheduler: str | Rate | None, steps: int) -> Rate | None:
    """From a step's number to the factor of `lr`: "cosine" down to 0, "step" by tens, or a function of one's own.

    Raises TrainingError for another name; what is returned raises it for a factor that is negative or no number.

    >>> rate = rate_named("cosine", 100)
    >>> rate(0), rate(50)
    (1.0, 0.5)
    """
    if scheduler is None:
        return None
    if callable(scheduler) and not isinstance(scheduler, type):
        return _checked(scheduler)
    if scheduler == "cosine":
        return lambda step: round(0.5 * (1 + math.cos(math.pi * step / steps)), 15)
    if scheduler == "step":
        return lambda step: 0.1 ** sum(step >= share * steps for share in _DROPS)
    raise TrainingError(f"scheduler={scheduler!r} is not known; pass 'cosine', 'step' or a function step -> factor.")


def _checked(given: Rate) -> Rate:
    def rate(step: int) -> float:
        factor: Any = given(step)
        if not isinstance(factor, SupportsFloat) or not 0 <= float(factor) < math.inf:
            raise TrainingError(f"the scheduler gives {factor!r} at step {step}; it must give a finite factor >= 0.")
        return float(factor)

    return rate
