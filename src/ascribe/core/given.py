"""More arguments of the model, which are passed on and not explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from jaxtyping import Int
from torch import Tensor


@final
@dataclass(frozen=True)
class Given:
    """Arguments after x: tensors with one entry a row go with their rows, everything else goes as it is.

    >>> import torch
    >>> Given.of((torch.arange(3), "sum"), rows=3).take(torch.tensor([2, 0]))[0]
    (tensor([2, 0]), 'sum')
    """

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])
    rows: int = 0

    @classmethod
    def of(cls, given: Any, rows: int) -> Given:
        """A dict as keywords; a tuple or list, or a single value, as positions."""
        if given is None:
            return cls()
        if isinstance(given, Mapping):
            return cls((), {str(key): value for key, value in given.items()}, rows)
        return cls(tuple(given) if isinstance(given, (tuple, list)) else (given,), {}, rows)

    @property
    def by_row(self) -> bool:
        """Whether an argument differs from row to row."""
        return any(map(self._has_rows, (*self.args, *self.kwargs.values())))

    def take(self, rows: Int[Tensor, " n"]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments for these data rows."""

        def of(value: Any) -> Any:
            return value[rows.to(value.device)] if self._has_rows(value) else value

        return tuple(map(of, self.args)), {key: of(value) for key, value in self.kwargs.items()}

    def _has_rows(self, value: Any) -> bool:
        return isinstance(value, Tensor) and value.ndim > 0 and len(value) == self.rows
