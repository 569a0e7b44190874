"""The columns of a table as their owner knows them: names, kinds, levels, units. Plain data."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ascribe.errors import InputError

Kind = Literal["numeric", "binary", "category", "date", "constant", "dropped"]


@dataclass(frozen=True)
class Column:
    """One column: what a value of it means.

    `levels` are the values of a category in the order they are coded; `unit` is what a number counts.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()
    unit: str = ""


def find_column(name: str, names: Sequence[str]) -> str:
    """`name` if it is among `names`.

    Raises InputError naming the likeliest column that was meant.

    >>> find_column("prise", ["price", "rooms"])
    Traceback (most recent call last):
    ascribe.errors.InputError: no column is called 'prise'; did you mean 'price'? The columns are: price, rooms.
    """
    if name in names:
        return name
    folded = {other.casefold(): other for other in names}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.5)
    hint = f"; did you mean {folded[close[0]]!r}?" if close else "."
    listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    raise InputError(f"no column is called {name!r}{hint} The columns are: {listed}.")
