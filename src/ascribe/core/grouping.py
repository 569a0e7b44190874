"""Reads what a user gives as `groups=`: ids of entries, for one input or for each of several, or lists of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from ascribe.core.inputs import Inputs
from ascribe.core.players import Players
from ascribe.errors import InputError

_WHOLE = {"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}


def grouped(
    groups: Any,
    shape: Sequence[int],
    names: Sequence[str],
    device: torch.device | None = None,
    form: Inputs | None = None,
) -> Players:
    """Players from ids, or from a dict of lists of entries (names or numbers).

    Ids are whole numbers of the shape of a row, or that broadcast to it (of an image's height and width for all its
    channels); with one dimension more in front, every row has groups of its own. Where `form` is of several inputs,
    also a tuple or dict of ids as the inputs are; entries of several inputs with the same id are one player.
    Entries that a dict of lists does not mention play for themselves.

    Raises InputError for unknown or doubled entries and for ids that do not fit.

    >>> grouped({"place": ["lat", "lon"]}, [3], ["lat", "age", "lon"]).names
    ('place', 'age')
    >>> grouped([0, 1], [3, 2], ["a"] * 6).ids.tolist()
    [[0, 1], [0, 1], [0, 1]]
    """
    shape = tuple(shape)
    if form is not None and (parts := _for_each(groups, form)) is not None:
        pieces = [
            _ids(part, tuple(own.shape[1:]), form.rows, f"groups[{key!r}]")
            for key, part, own in zip(form.keys or (), parts, form.parts, strict=True)
        ]
        rows = max(len(piece) for piece in pieces)
        return _numbered(torch.cat([piece.expand(rows, *piece.shape[1:]).flatten(1) for piece in pieces], 1), device)
    if isinstance(groups, Mapping):
        return _listed(groups, shape, names, device)
    return _numbered(_ids(groups, shape, None if form is None else form.rows, "groups"), device)


def _for_each(groups: Any, form: Inputs) -> Sequence[Any] | None:
    """Ids for each of several inputs, if that is what came."""
    if form.keys is None or len(groups) != len(form.parts):
        return None
    if isinstance(groups, Mapping):
        parts = [groups[key] for key in form.keys if key in groups]
    elif isinstance(groups, (tuple, list)):
        parts = list(groups)
    else:
        return None
    ready = len(parts) == len(form.parts) and all(isinstance(part, (Tensor, np.ndarray)) for part in parts)
    return parts if ready else None


def _ids(groups: Any, shape: tuple[int, ...], rows: int | None, said: str) -> Int[Tensor, "any *shape"]:
    """One row of ids, or one for each data row."""
    given = groups.cpu() if isinstance(groups, Tensor) else np.asarray(groups)
    own = tuple(given.shape)
    by_row = len(own) == len(shape) + 1 and own[0] in (1, rows)
    fits = by_row or len(own) <= len(shape)
    row = own[1:] if by_row else own
    if row:
        fits = fits and all(mine in (1, size) for mine, size in zip(reversed(row), reversed(shape), strict=False))
    if not fits or not own or str(given.dtype).removeprefix("torch.") not in _WHOLE:
        several = "" if rows is None else f", of shape {(rows, *shape)} for groups that differ between rows"
        raise InputError(
            f"{said} has shape {own} of {given.dtype}; pass whole numbers of shape {shape}{several}, or a dict of lists"
        )
    ids = torch.as_tensor(given).long()
    return ids.expand(ids.shape[0] if by_row else 1, *shape) if by_row else ids.expand(shape)[None]


def _numbered(ids: Int[Tensor, "any *shape"], device: torch.device | None) -> Players:
    """Players numbered in the order in which they are met."""
    distinct, number = torch.unique(ids, return_inverse=True)
    first = torch.full((len(distinct),), ids.numel()).scatter_reduce_(
        0, number.flatten(), torch.arange(ids.numel()), "amin"
    )
    order = first.argsort()
    number = order.argsort()[number].to(device)
    by_row = len(ids) > 1
    return Players(number if by_row else number[0], tuple(f"group {int(i)}" for i in distinct[order]), by_row)


def _listed(
    groups: Mapping[Any, Any], shape: tuple[int, ...], names: Sequence[str], device: torch.device | None
) -> Players:
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
    order = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    ids = torch.tensor([order[label] for label in labels], device=device).reshape(shape)
    return Players(ids, tuple(label[0] for label in order))


def _entry(name: Any, names: Sequence[str]) -> int:
    if str(name) not in names:
        raise InputError(f"groups names {name!r}, which is no feature; there are {', '.join(map(repr, names[:8]))}")
    if list(names).count(str(name)) > 1:
        raise InputError(f"groups names {name!r}, which several features are called; give their positions instead")
    return list(names).index(str(name))
