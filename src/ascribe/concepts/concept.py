"""A concept: what examples have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from ascribe.errors import InputError

_ROWS = 64  # of a tensor of examples, so many go through the network together


@final
@dataclass(frozen=True, eq=False)
class Concept:
    """Examples of a concept, or random ones to hold it against: a tensor, or batches that can be gone through again.

    A batch is a tensor, or a tuple of the model's inputs; a tensor of examples is cut into batches.

    >>> [batch[0].shape for batch in Concept("striped", torch.ones(3, 2)).batches()]
    [torch.Size([3, 2])]
    """

    name: str
    examples: Any

    def batches(self) -> Iterator[tuple[Any, ...]]:
        """The examples, batch by batch.  Raises InputError where there are none, or where they come once only."""
        yield from batches_of(self.examples, f"concept {self.name!r}")


def batches_of(examples: Any, whose: str) -> Iterator[tuple[Any, ...]]:
    """Batches of a model's inputs, as tuples."""
    if isinstance(examples, Tensor):
        examples = examples.split(_ROWS)
    if not isinstance(examples, Iterable) or isinstance(examples, Iterator):
        raise InputError(
            f"the examples of {whose} are {type(examples).__name__}; pass a tensor, a list of batches or a DataLoader"
        )
    count = 0
    # A loader draws from torch's global stream when it begins.
    stream = torch.get_rng_state()
    try:
        for batch in examples:
            count += 1
            yield tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
    finally:
        torch.set_rng_state(stream)
    if count == 0:
        raise InputError(f"{whose} has no examples; pass at least one batch")
