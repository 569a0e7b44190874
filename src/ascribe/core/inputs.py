"""What the user gives (tensor, array, frame, or a tuple or dict of these) as the one tensor a method sees, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, final

import torch
from jaxtyping import Int, Shaped
from torch import Tensor, nn

from ascribe.core.given import Given
from ascribe.core.kinds import Kind, kind_of
from ascribe.errors import AscribeError, InputError


@final
@dataclass(frozen=True)
class Inputs:
    """The rows of one call: their tensors, the one tensor `z` they make, and the way back to the model's arguments.

    A lone input is passed on as it is; several become one tensor of shape (rows, total). A tuple or list is given to
    the model as positional arguments, a dict as keyword arguments.
    """

    keys: tuple[str, ...] | tuple[int, ...] | None
    kinds: tuple[Kind, ...]
    parts: tuple[Tensor, ...]
    given: Given = field(default_factory=Given)

    @property
    def rows(self) -> int:
        return len(self.parts[0])

    @property
    def whole(self) -> bool:
        """Whether an input is of whole numbers, such as token ids, and has no gradient."""
        return any(kind.whole for kind in self.kinds)

    @property
    def z(self) -> Shaped[Tensor, "rows *shape"]:
        return self.pack(self.parts)

    def pack(self, parts: Sequence[Tensor]) -> Shaped[Tensor, "rows *shape"]:
        if self.keys is None:
            return parts[0]
        dtype = parts[0].dtype
        for part in parts[1:]:
            dtype = torch.promote_types(dtype, part.dtype)
        return torch.cat([part.reshape(len(part), -1).to(dtype) for part in parts], 1)

    def unpack(self, z: Shaped[Tensor, "n *shape"]) -> tuple[Tensor, ...]:
        if self.keys is None:
            return (z,)
        pieces = z.split([prod(part.shape[1:]) for part in self.parts], 1)
        return tuple(piece.reshape(len(z), *part.shape[1:]) for piece, part in zip(pieces, self.parts, strict=True))

    def nest(self, z: Shaped[Tensor, "*lead n total"]) -> Any:
        """Values about `z` in the nest that the user gave; dimensions before the rows stay in front."""
        if self.keys is None:
            return z
        pieces = z.split([prod(part.shape[1:]) for part in self.parts], -1)
        shaped = [p.reshape(*z.shape[:-1], *part.shape[1:]) for p, part in zip(pieces, self.parts, strict=True)]
        return self.nested(shaped)

    def nested(self, parts: Sequence[Any]) -> Any:
        """One thing for each input in the nest that the user gave."""
        if self.keys is None:
            return parts[0]
        return dict(zip(self.keys, parts, strict=True)) if isinstance(self.keys[0], str) else tuple(parts)

    @property
    def original(self) -> Any:
        """The tensors in the nest that the user gave, whole numbers as such."""
        pairs = zip(self.kinds, self.parts, strict=True)
        return self.nested([kind.give(part) if kind.whole else part for kind, part in pairs])

    def call(self, model: Callable[..., Any], parts: Sequence[Tensor], rows: Int[Tensor, " n"]) -> Any:
        """The model's output on these parts, which stand for these data rows."""
        arguments = [kind.give(part) for kind, part in zip(self.kinds, parts, strict=True)]
        args, kwargs = self.given.take(rows)
        if self.keys is not None and isinstance(self.keys[0], str):
            return model(*args, **self.nested(arguments), **kwargs)
        return model(*arguments, *args, **kwargs)

    def take(self, rows: Int[Tensor, " n"]) -> tuple[Tensor, ...]:
        return tuple(part[rows.to(part.device)] for part in self.parts)

    def read(self, value: Any, role: str) -> tuple[Tensor, ...]:
        """Other rows of the same form: a baseline (also one row, a number for all entries, or None for 0), or more.

        Raises InputError where the shape or the entries do not fit.
        """
        if value is None or isinstance(value, (int, float)) or self.keys is None:
            values: list[Any] = [value] * len(self.parts)
        elif isinstance(self.keys[0], str) and isinstance(value, Mapping) and set(value) == set(self.keys):
            values = [value[key] for key in self.keys]
        elif isinstance(value, (tuple, list)) and len(value) == len(self.parts):
            values = list(value)
        else:
            form = "dict with keys" if isinstance(self.keys[0], str) else "tuple with entries"
            raise InputError(f"{role} must be given as x was: a {form} {', '.join(map(str, self.keys))}")
        return tuple(
            _fitting(entry, kind, part, role) for entry, kind, part in zip(values, self.kinds, self.parts, strict=True)
        )


def read_inputs(x: Any, network: nn.Module | None, given: Any = None) -> Inputs:
    """Read `x`: its rows must agree, be at least one, and hold no NaN or infinity; `given` goes with it unread.

    Raises InputError.

    >>> inputs = read_inputs((torch.zeros(5, 2), torch.zeros(5, 3, 4)), None); inputs.z.shape
    torch.Size([5, 14])
    """
    keys: tuple[str, ...] | tuple[int, ...] | None = None
    leaves: list[Any] = [x]
    if isinstance(x, Mapping):
        keys, leaves = tuple(str(key) for key in x), list(x.values())
    elif isinstance(x, (tuple, list)):
        keys, leaves = tuple(range(len(x))), list(x)
    if not leaves:
        raise InputError("x is empty; pass at least one tensor")
    kinds = tuple(kind_of(leaf, network) for leaf in leaves)
    parts = tuple(kind.read(leaf) for kind, leaf in zip(kinds, leaves, strict=True))
    for part, kind in zip(parts, kinds, strict=True):
        if part.ndim < 2 or part.numel() == 0:
            advice = (
                "pass x[None] for one row, x[:, None] for one feature" if part.ndim == 1 else "pass (rows, features)"
            )
            raise InputError(f"x has shape {tuple(part.shape)}; it needs rows with at least one feature: {advice}")
        if len(part) != len(parts[0]):
            raise InputError(f"the inputs have {len(parts[0])} and {len(part)} rows; every input needs one entry a row")
        _finite(part, kind, "x")
    return Inputs(keys, kinds, parts, Given.of(given, len(parts[0])))


def _fitting(value: Any, kind: Kind, part: Tensor, role: str) -> Tensor:
    shape = tuple(part.shape[1:])
    if kind.coded and (value is None or isinstance(value, (int, float))):
        names = ", ".join(repr(kind.columns[i]) for i in kind.coded) if kind.columns else ""
        raise InputError(f"the columns {names} are text, which has no zero; pass background= rows to compare with")
    try:
        if value is None or isinstance(value, (int, float)):
            tensor = torch.full((1, *shape), value or 0, dtype=part.dtype, device=part.device)
        else:
            tensor = kind.read(value)
    except (TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, AscribeError):
            raise
        raise InputError(
            f"{role}={value!r:.60} cannot be read as {part.dtype} ({error}); pass a number, or rows of shape {shape}"
        ) from error
    if tuple(tensor.shape) == shape:
        tensor = tensor.unsqueeze(0)
    if tuple(tensor.shape[1:]) != shape or len(tensor) == 0:
        raise InputError(
            f"{role} has shape {tuple(tensor.shape)}, but a row of x has {shape}; pass {('n', *shape)}".replace("'", "")
        )
    _finite(tensor, kind, role)
    return tensor


def _finite(part: Tensor, kind: Kind, role: str) -> None:
    if not part.is_floating_point():
        return
    bad = ~part.isfinite()
    if bool(bad.any()):
        first = bad.nonzero()[0].tolist()
        place = f"row {first[0]}"
        if len(first) > 1:
            place += (
                f", {kind.columns[first[1]]!r}"
                if kind.columns
                else f", entry {first[1] if len(first) == 2 else tuple(first[1:])}"
            )
        raise InputError(
            f"{role} holds {int(bad.sum())} values that are NaN or infinite, the first in {place}; fill or drop them"
        )
