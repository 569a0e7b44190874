"""Statistics of a stream by class, beside those of all."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from torch import Tensor

from ascribe.compat.captum.attr._utils.stat import Stat
from ascribe.compat.captum.attr._utils.summarizer import Summarizer
from ascribe.errors import InputError


class ClassSummarizer(Summarizer):
    """`Summarizer` of the examples of batches, all together and by label."""

    def __init__(self, stats: list[Stat]) -> None:
        super().__init__(stats)
        self.summaries: dict[Any, Summarizer] = defaultdict(lambda: Summarizer(stats))

    def update(self, x: Any, labels: Any = None) -> None:
        """See a batch with one label for each example, or one for all; without labels the batch counts as one tensor.

        Raises InputError for another number of labels.
        """
        if labels is None:
            super().update(x)
            return
        parts = x if isinstance(x, tuple) else (x,)
        rows = len(parts[0])
        each = labels.tolist() if isinstance(labels, Tensor) else labels
        each = each if isinstance(each, list) else [each]
        if len(each) not in (1, rows) or any(len(part) != rows for part in parts):
            raise InputError(f"{len(each)} labels for {rows} examples; pass one for each, or one for all.")
        for row in range(rows):
            example = tuple(part[row] for part in parts)
            self.summaries[each[row] if len(each) > 1 else each[0]].update(example)
            super().update(example)

    @property
    def class_summaries(self) -> dict[Any, Any]:
        """The summary of each label's examples."""
        return {label: summarizer.summary for label, summarizer in self.summaries.items()}
