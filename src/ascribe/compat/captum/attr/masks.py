"""Captum's feature masks: whole numbers that broadcast to the inputs, one tensor for each input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ascribe.core.grouping import grouped
from ascribe.core.players import Players
from ascribe.errors import InputError


@final
@dataclass(frozen=True)
class Mask:
    """The features of one row: `groups` for `explain`, and the way from features back to entries."""

    groups: Shaped[Tensor, "*row"]
    shapes: tuple[torch.Size, ...] | None  # of one row of each input; None for a lone input

    @property
    def players(self) -> Players:
        """The features in the order in which `explain` numbers them."""
        names = [""] * self.groups.numel()
        return grouped(self.groups, self.groups.shape, names, self.groups.device)

    @property
    def count(self) -> int:
        """The number of features."""
        return len(self.groups.unique())

    def entries(self, values: Shaped[Tensor, "*lead features"]) -> Any:
        """The values of features at their entries."""
        spread = values[..., self.players.ids.to(values.device)]
        if self.shapes is None:
            return spread
        parts = spread.split([shape.numel() for shape in self.shapes], -1)
        return tuple(part.reshape(*values.shape[:-1], *shape) for part, shape in zip(parts, self.shapes, strict=True))

    def own(self) -> tuple[Tensor, ...]:
        """What the groups hold, in one row of every input."""
        assert self.shapes is not None
        parts = self.groups.split([shape.numel() for shape in self.shapes])
        return tuple(part.reshape(1, *shape) for part, shape in zip(parts, self.shapes, strict=True))

    def numbered(self, values: Float[Tensor, "*lead features"]) -> Float[Tensor, "*lead numbers"]:
        """The values of features at their numbers, counted from the smallest; zero at numbers that no entry has."""
        numbers = torch.tensor(list(dict.fromkeys(self.groups.flatten().tolist())), device=values.device)
        numbers = numbers - numbers.min()
        columns = values.new_zeros(*values.shape[:-1], int(numbers.max()) + 1)
        return columns.index_copy_(-1, numbers, values)


def mask_of(mask: Any, inputs: Any) -> Mask | None:
    """Read a mask for these inputs.  Raises InputError where it does not fit one row of them."""
    if mask is None:
        return None
    lone = isinstance(inputs, Tensor)
    masks, parts = ((mask,), (inputs,)) if lone else (mask, inputs)
    try:
        groups = [torch.broadcast_to(m, (1, *x.shape[1:]))[0] for m, x in zip(masks, parts, strict=True)]
    except (TypeError, ValueError, RuntimeError) as error:
        shapes = ", ".join(str((1, *x.shape[1:])) for x in parts)
        raise InputError(f"feature_mask does not fit one row of the inputs ({error}); pass {shapes}.") from error
    if lone:
        return Mask(groups[0], None)
    return Mask(torch.cat([group.flatten() for group in groups]), tuple(x.shape[1:] for x in inputs))


def rows_by_mask(mask: Any, inputs: Any) -> list[tuple[Int[Tensor, " rows"], Any]]:
    """The rows that have a mask in common, with their mask; none where one mask is for all rows."""
    lone = isinstance(mask, Tensor)
    masks, parts = ((mask,), (inputs,)) if lone else (mask, inputs)
    if not isinstance(masks, tuple) or not isinstance(parts, tuple) or len(masks) != len(parts):
        return []
    own = [m.ndim == x.ndim and len(m) == len(x) > 1 for m, x in zip(masks, parts, strict=True)]
    if not any(own):
        return []
    each = torch.cat([m.expand_as(x).flatten(1).cpu() for m, x in zip(masks, parts, strict=True)], 1)
    kind = torch.unique(each, dim=0, return_inverse=True)[1]
    found: list[tuple[Tensor, Any]] = []
    for number in range(int(kind.max()) + 1):
        rows = (kind == number).nonzero()[:, 0]
        first = int(rows[0])
        taken = tuple(m[first : first + 1] if by_row else m for m, by_row in zip(masks, own, strict=True))
        found.append((rows, taken[0] if lone else taken))
    return found
