"""Running means, minima and maxima of what a metric gives: a number, a tensor, or a tuple of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor


@final
class Figures:
    """Statistics of values that come one after the other; of tuples, entry by entry and with the tuple's names.

    >>> figures = Figures("mean", "max")
    >>> figures.add(1.0); figures.add(3.0)
    >>> {name: float(value) for name, value in figures.read().items()}
    {'mean': 2.0, 'max': 3.0}
    """

    def __init__(self, *statistics: str) -> None:
        self.statistics = statistics
        self._count = 0
        self._form: Callable[[list[Any]], Any] = lambda entries: entries[0]
        self._held: list[dict[str, Tensor]] = []

    def add(self, value: Any) -> None:
        """Take one more value."""
        entries = list(value) if isinstance(value, tuple) else [value]
        tensors = [_floating(entry) for entry in entries]
        self._count += 1
        if self._count == 1:
            self._form = _form_of(value)
            self._held = [{"mean": t.clone(), "min": t.clone(), "max": t.clone()} for t in tensors]
            return
        for held, tensor in zip(self._held, tensors, strict=True):
            held["mean"] = held["mean"] + (tensor - held["mean"]) / self._count
            held["min"], held["max"] = held["min"].minimum(tensor), held["max"].maximum(tensor)

    def read(self) -> dict[str, Any]:
        """Every statistic in the form of the values."""
        return {name: self._form([held[name] for held in self._held]) for name in self.statistics}


def _floating(entry: Any) -> Tensor:
    tensor = entry if isinstance(entry, Tensor) else torch.tensor(entry, dtype=torch.float)
    return tensor if tensor.is_floating_point() else tensor.double()


def _form_of(value: Any) -> Callable[[list[Any]], Any]:
    if not isinstance(value, tuple):
        return lambda entries: entries[0]
    return type(value)._make if hasattr(value, "_make") else tuple  # pyright: ignore[reportAttributeAccessIssue]
