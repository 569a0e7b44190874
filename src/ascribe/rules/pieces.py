"""How many evaluations go through the network together where rules hold more than a gradient does."""

from __future__ import annotations

from jaxtyping import Int
from torch import Tensor

from ascribe.core.score import Score


def pieces(f: Score, index: Int[Tensor, " piece"]) -> tuple[Int[Tensor, " part"], ...]:
    """A piece of a sweep in parts that fit the memory budget, whole points together.

    Rules hold what they compare beside what a gradient holds: on a transformer DeepLift's take five times as much.
    """
    measured = f.footprint.measured.get(True)
    if measured is None:  # far from the budget
        return (index,)
    return index.split(f.outputs * max(1, f.budget.memory // (5 * max(1, measured))))
