"""Which features a picture shows: the strongest ones, and the rest as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Ranking(NamedTuple):
    """Columns in falling order of strength; `rest` are those a picture adds up as "n others"."""

    shown: np.ndarray
    rest: np.ndarray

    def names(self, names: Sequence[str]) -> list[str]:
        """The names of the lines of a picture, the rest last."""
        shown = [names[int(i)] for i in self.shown]
        return [*shown, f"{len(self.rest)} others"] if len(self.rest) else shown

    def gather(self, values: np.ndarray) -> np.ndarray:
        """Values (..., features) as (..., lines): the rest summed into the last line."""
        shown = values[..., self.shown]
        if not len(self.rest):
            return shown
        return np.concatenate([shown, values[..., self.rest].sum(-1, keepdims=True)], axis=-1)


NOTHING = 1e-5
"""A strength below this share of the largest is rounding: such columns are in the rest."""


def strongest(strength: np.ndarray, top: int) -> Ranking:
    """The `top` columns of largest `strength`, without those that have none.

    A rest of one column is shown by its name: it takes no more room.

    >>> ranking = strongest(np.array([1.0, 5.0, 3.0, 2.0]), top=2)
    >>> ranking.names(("a", "b", "c", "d")), ranking.gather(np.array([1.0, 5.0, 3.0, 2.0])).tolist()
    (['b', 'c', '2 others'], [5.0, 3.0, 3.0])
    >>> strongest(np.array([0.0, 5.0, 0.0, 0.0]), top=10).names(("a", "b", "c", "d"))
    ['b', '3 others']
    """
    size = np.nan_to_num(np.abs(strength))
    order = np.argsort(-size, kind="stable")
    some = max(int((size > NOTHING * size.max(initial=0.0)).sum()), 1)
    cut = min(top, some)
    cut = cut if len(order) > cut + 1 else len(order)
    return Ranking(order[:cut], order[cut:])
