"""Names for every entry of a row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, product
from math import prod
from typing import final, overload

from ascribe.core.inputs import Inputs
from ascribe.errors import InputError


class Names(Sequence[str]):
    """Names that are made when they are asked for: an image has a hundred thousand, of which few are ever read."""

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} names, and no number {index}")
        return self._name(index % len(self))

    def _name(self, index: int) -> str:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (tuple, Names)) and len(self) == len(other) and all(map(str.__eq__, self, other))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self)) if len(self) < 20 else f"({self[0]!r}, ..., {self[-1]!r})"


@final
class Numbered(Names):
    """`x0`, `x1` for plain vectors, `stem[2, 3]` elsewhere."""

    def __init__(self, stem: str, shape: Sequence[int], plain: bool) -> None:
        self.stem, self.shape, self.plain = stem, tuple(shape), plain and len(shape) == 1

    def __len__(self) -> int:
        return prod(self.shape)

    def _name(self, index: int) -> str:
        if self.plain:
            return f"{self.stem}{index}"
        place: list[str] = []
        for size in reversed(self.shape):
            index, digit = divmod(index, size)
            place.append(str(digit))
        return f"{self.stem}[{', '.join(reversed(place))}]" if place else self.stem


@final
class Joined(Names):
    """Several names, one after the other."""

    def __init__(self, parts: Sequence[Sequence[str]]) -> None:
        self.parts, self.starts = parts, [0, *accumulate(map(len, parts))]

    def __len__(self) -> int:
        return self.starts[-1]

    def _name(self, index: int) -> str:
        part = bisect_right(self.starts, index) - 1
        return self.parts[part][index - self.starts[part]]


def entry_names(names: Iterable[str] | None, inputs: Inputs) -> Sequence[str]:
    """The user's names, or the columns of frames, or numbers; names of the last dimension serve every step before it.

    Raises InputError where their number does not fit.
    """
    shapes = [tuple(part.shape[1:]) for part in inputs.parts]
    total = sum(prod(shape) for shape in shapes)
    if names is not None:
        if isinstance(names, str) or not isinstance(names, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"names={names!r} is no list; pass one name for each of the {total} entries of a row")
        given = tuple(str(name) for name in names)
        if len(given) == total:
            return given
        if len(shapes) == 1 and len(shapes[0]) > 1 and len(given) == shapes[0][-1]:
            steps = [", ".join(map(str, step)) for step in product(*map(range, shapes[0][:-1]))]
            return tuple(f"{name}[{step}]" for step in steps for name in given)
        raise InputError(f"names has {len(given)} entries, but a row of x has {total}; pass one for each")
    keys = ["x"] if inputs.keys is None else [key if isinstance(key, str) else f"x{key}" for key in inputs.keys]
    labels = [
        kind.columns or numbered(key, shape, plain=inputs.keys is None)
        for key, kind, shape in zip(keys, inputs.kinds, shapes, strict=True)
    ]
    return labels[0] if len(labels) == 1 else Joined(labels)


def numbered(stem: str, shape: Sequence[int], *, plain: bool = False) -> Names:
    """`x0`, `x1` for plain vectors, `stem[2, 3]` elsewhere.

    >>> numbered("fc", (2,)), numbered("x", (2,), plain=True), numbered("h", (2, 3, 4))[-1]
    (('fc[0]', 'fc[1]'), ('x0', 'x1'), 'h[1, 2, 3]')
    """
    return Numbered(stem, shape, plain)
