"""Names for every entry of a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from math import prod

from ascribe.core.inputs import Inputs
from ascribe.errors import InputError


def entry_names(names: Iterable[str] | None, inputs: Inputs) -> tuple[str, ...]:
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
    labels: list[str] = []
    for key, kind, shape in zip(keys, inputs.kinds, shapes, strict=True):
        labels += kind.columns or numbered(key, shape, plain=inputs.keys is None)
    return tuple(labels)


def numbered(stem: str, shape: Sequence[int], *, plain: bool = False) -> list[str]:
    """`x0`, `x1` for plain vectors, `stem[2, 3]` elsewhere.

    >>> numbered("fc", (2,)), numbered("x", (2,), plain=True)
    (['fc[0]', 'fc[1]'], ['x0', 'x1'])
    """
    if len(shape) == 1 and plain:
        return [f"{stem}{i}" for i in range(shape[0])]
    return [f"{stem}[{', '.join(map(str, place))}]" if place else stem for place in product(*map(range, shape))]
