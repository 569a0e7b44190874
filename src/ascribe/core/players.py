"""Players: the features that act together, one attribution each (every entry by itself, groups of columns, pixels)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from ascribe.errors import InputError

_WHOLE = {"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}


@final
@dataclass(frozen=True)
class Players:
    """Player numbers 0..count-1 for the entries of one row, numbered in the order in which the entries name them."""

    ids: Int[Tensor, "*shape"]
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.names)

    def mask(self, coalitions: Bool[Tensor, "m players"]) -> Bool[Tensor, "m *shape"]:
        """Which entries are present when these players are."""
        return coalitions[:, self.ids]

    def gather(self, values: Shaped[Tensor, "rows *shape"]) -> Shaped[Tensor, "rows players"]:
        """Sums over every player's entries."""
        sums = values.new_zeros(len(values), self.count)
        return sums.index_add_(1, self.ids.flatten(), values.reshape(len(values), -1))

    def spread(self, values: Shaped[Tensor, "rows players"]) -> Shaped[Tensor, "rows *shape"]:
        """Every entry gets its player's value."""
        return values[:, self.ids]


def every_entry(shape: Sequence[int], names: Sequence[str], device: torch.device | None = None) -> Players:
    """Each entry is a player."""
    return Players(torch.arange(prod(shape), device=device).reshape(tuple(shape)), tuple(names))


def grouped(groups: Any, shape: Sequence[int], names: Sequence[str], device: torch.device | None = None) -> Players:
    """Players from ids of the shape of a row, or from a dict of lists of entries (names or numbers).

    Entries that the dict does not mention play for themselves.  Raises InputError for unknown or doubled entries.

    >>> grouped({"place": ["lat", "lon"]}, [3], ["lat", "age", "lon"]).names
    ('place', 'age')
    """
    shape = tuple(shape)
    if isinstance(groups, Mapping):
        labels: list[Any] = [None] * prod(shape)
        for group, members in groups.items():
            if isinstance(members, str) or not isinstance(members, Iterable):
                raise InputError(f"groups={{{group!r}: {members!r}}} names no list; pass {{{group!r}: [{members!r}]}}")
            for member in members:
                entry = int(member) if isinstance(member, (int, np.integer)) else _entry(member, names)
                if not 0 <= entry < len(labels) or labels[entry] is not None:
                    problem = "twice" if 0 <= entry < len(labels) else f"though a row has {len(labels)} entries"
                    raise InputError(f"groups names {member!r} {problem}; every entry belongs to one group at most")
                labels[entry] = (str(group),)
        labels = [label if label is not None else (names[i], i) for i, label in enumerate(labels)]
    else:
        ids = groups if isinstance(groups, Tensor) else np.asarray(groups)
        if tuple(ids.shape) != shape or str(ids.dtype).removeprefix("torch.") not in _WHOLE:
            raise InputError(
                f"groups has shape {tuple(ids.shape)} of {ids.dtype}; pass whole numbers of shape {shape}, or a dict"
            )
        labels = [(f"group {i}",) for i in ids.flatten().tolist()]
    order = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    ids = torch.tensor([order[label] for label in labels], device=device).reshape(shape)
    return Players(ids, tuple(label[0] for label in order))


def _entry(name: Any, names: Sequence[str]) -> int:
    if str(name) not in names:
        raise InputError(f"groups names {name!r}, which is no feature; there are {', '.join(map(repr, names[:8]))}")
    if list(names).count(str(name)) > 1:
        raise InputError(f"groups names {name!r}, which several features are called; give their positions instead")
    return list(names).index(str(name))
