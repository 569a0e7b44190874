"""Groups ready to give as `groups=`: patches and superpixels of images, windows and tokens of sequences, one-hot sets.

All but `one_hot` give ids of the shape of a row, or that broadcast to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from ascribe.core.superpixels import superpixels as superpixels
from ascribe.errors import InputError


def patches(shape: Sequence[int], size: int | tuple[int, int]) -> Int[Tensor, "*shape"]:
    """Squares, or rectangles of (height, width), on the last two dimensions; all channels of a patch together.

    Those at the lower and the right edge may be smaller.  Raises InputError for sizes below one.

    >>> patches((1, 2, 4), 2).tolist()
    [[[0, 0, 1, 1], [0, 0, 1, 1]]]
    """
    shape = _shape(shape, 2)
    tall, wide = (size, size) if isinstance(size, int) else size
    if min(tall, wide) < 1:
        raise InputError(f"size={size}; pass the side of a patch in pixels, at least 1")
    row, column = torch.arange(shape[-2]) // tall, torch.arange(shape[-1]) // wide
    return (row[:, None] * (int(column[-1]) + 1) + column).expand(shape).contiguous()


def windows(shape: Sequence[int], length: int, dim: int = 0) -> Int[Tensor, "*shape"]:
    """Stretches of `length` along one dimension of a row: of time, where rows are (time, channels). The last may be
    shorter.  Raises InputError for a length below one and a dimension that a row does not have.

    >>> windows((5,), 2).tolist()
    [0, 0, 1, 1, 2]
    """
    shape = _shape(shape, 1)
    if length < 1:
        raise InputError(f"length={length}; pass the steps of a window, at least 1")
    if not -len(shape) <= dim < len(shape):
        raise InputError(f"dim={dim}, but a row of shape {shape} has dimensions 0..{len(shape) - 1}")
    along = [1] * len(shape)
    along[dim] = shape[dim]
    return (torch.arange(shape[dim]) // length).view(along).expand(shape).contiguous()


def tokens(shape: Sequence[int]) -> Int[Tensor, "*shape"]:
    """One group for each token of rows of (tokens, dimensions): all dimensions of its vector together.

    >>> tokens((2, 3)).tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    return windows(shape, 1)


def channels(shape: Sequence[int], dim: int = 0) -> Int[Tensor, "*shape"]:
    """One group for each channel: of images (channels, height, width), or with `dim=-1` of series (time, channels).

    >>> channels((3, 2), dim=-1).tolist()
    [[0, 1], [0, 1], [0, 1]]
    """
    return windows(shape, 1, dim)


def one_hot(names: Iterable[str], prefixes: Iterable[str] | None = None, separator: str = "_") -> dict[str, list[str]]:
    """Columns that are one category each, such as `color_red` and `color_blue`, by what they are categories of.

    `names`: the columns' names, or a DataFrame, which gives them as it is iterated over. `prefixes`: what was encoded;
    left out, everything before a name's last separator that two names or more share.
    Raises InputError for a prefix without columns.

    >>> one_hot(["color_red", "age", "color_blue"])
    {'color': ['color_red', 'color_blue']}
    """
    names = [str(name) for name in names]
    if prefixes is None:
        found: dict[str, list[str]] = {}
        for name in names:
            prefix, between, _ = name.rpartition(separator)
            if between:
                found.setdefault(prefix, []).append(name)
        return {prefix: members for prefix, members in found.items() if len(members) > 1}
    # The longest prefix first: `house_type_flat` is a house_type, not a house.
    left, chosen = dict.fromkeys(names), [str(prefix) for prefix in prefixes]
    taken: dict[str, list[str]] = {}
    for prefix in sorted(chosen, key=len, reverse=True):
        taken[prefix] = [name for name in left if name.startswith(prefix + separator)]
        if not taken[prefix]:
            raise InputError(
                f"no column begins with {prefix + separator!r}; there are {', '.join(map(repr, names[:8]))}"
            )
        left = {name: None for name in left if name not in taken[prefix]}
    return {prefix: taken[prefix] for prefix in chosen}


def _shape(shape: Sequence[int], least: int) -> tuple[int, ...]:
    given = tuple(int(size) for size in shape)
    if len(given) < least or min(given) < 1:
        raise InputError(f"shape={given}; pass the shape of one row, x.shape[1:], of {least} dimensions or more")
    return given
