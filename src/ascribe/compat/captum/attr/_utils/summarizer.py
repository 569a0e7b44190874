"""Several statistics of one stream, of one tensor or of tuples of them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from ascribe.compat.captum.attr._utils.stat import Stat, StatValue
from ascribe.errors import InputError

Summary = dict[str, StatValue | None]


class SummarizerSingleTensor:
    """Statistics of a stream of tensors; the summary shows those at the given places."""

    def __init__(self, stats: list[Stat], summary_stats_indices: list[int]) -> None:
        self._stats = stats
        self._shown = [stats[i] for i in summary_stats_indices]

    def update(self, x: Tensor) -> None:
        """See one more tensor."""
        for stat in self._stats:
            stat.update(x)

    def get(self, stat: Stat) -> Stat | None:
        """The statistic that equals this one, if there is one."""
        return next((own for own in self._stats if own == stat), None)

    @property
    def summary(self) -> Summary:
        """The statistics by name."""
        return {stat.name: stat.get() for stat in self._shown}


class Summarizer:
    """Statistics of a stream of tensors or numbers, or of tuples of them, each place by itself.

    >>> from ascribe.compat.captum.attr._utils.stat import Max, Mean
    >>> summarizer = Summarizer([Mean(), Max()])
    >>> for x in (torch.tensor([1.0, 4.0]), torch.tensor([3.0, 0.0])):
    ...     summarizer.update(x)
    >>> summarizer.summary
    {'mean': tensor([2., 2.]), 'max': tensor([3., 4.])}
    """

    def __init__(self, stats: list[Stat]) -> None:
        self._stats = list(dict.fromkeys(stats))
        self._summarizers: list[SummarizerSingleTensor] = []
        self._is_inputs_tuple: bool | None = None

    def update(self, x: float | Tensor | tuple[float | Tensor, ...]) -> None:
        """See one more tensor, or one more tuple.  Raises InputError where it is the one after the other."""
        several = isinstance(x, tuple)
        if self._is_inputs_tuple not in (None, several):
            raise InputError("tensors and tuples of tensors came in one stream; use a Summarizer for each.")
        self._is_inputs_tuple = several
        parts: tuple[Any, ...] = x if isinstance(x, tuple) else (x,)
        for place, part in enumerate(parts):
            if place == len(self._summarizers):
                stats = deepcopy(self._stats)
                self._summarizers.append(SummarizerSingleTensor(stats, list(range(len(stats)))))
            self._summarizers[place].update(part if isinstance(part, Tensor) else torch.tensor(float(part)))

    @property
    def summary(self) -> Summary | list[Summary] | None:
        """The statistics by name; of tuples, for each place; None before anything was seen."""
        if not self._summarizers:
            return None
        found = [summarizer.summary for summarizer in self._summarizers]
        return found if self._is_inputs_tuple else found[0]
