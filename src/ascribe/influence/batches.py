"""Data in batches: a tuple of tensors, a data set or a loader, always in the same order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, final

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, RandomSampler

from ascribe.errors import InputError, need

Batch = tuple[Any, ...]


@final
class Batches:
    """What a user calls data, as batches `(*inputs, target)` that can be gone through again and again.

    A tuple of tensors or a `Dataset` is cut into batches of `size`; a `DataLoader`, or any other iterable that can be
    gone through again, such as a list of tuples, gives its own. A batch has `least` parts or more.

    Raises InputError for a loader that shuffles (its order would name nothing), and for batches that are no tuples.
    """

    def __init__(self, data: Any, size: int | None = 64, least: int = 2) -> None:
        self._least = least
        self._most: int | None = None
        if isinstance(data, (tuple, list)) and len(data) == 0:
            raise InputError(
                "there are no examples; pass (inputs, targets), a Dataset or a DataLoader with at least one"
            )
        if isinstance(data, (tuple, list)) and not _is_list_of_batches(data):
            data, self._most = [tuple(data)], size
        elif isinstance(data, Dataset) and not isinstance(data, DataLoader):
            if not isinstance(size, int) or size < 1:
                raise InputError(f"batch_size={size!r}; pass a whole number above 0 for a data set")
            data = DataLoader(data, batch_size=size, shuffle=False)
        if isinstance(data, DataLoader) and isinstance(getattr(data, "sampler", None), RandomSampler):
            raise InputError("the loader shuffles, so that row 0 is another one each time; pass it with shuffle=False")
        if not isinstance(data, Iterable):
            raise InputError(f"data is {type(data).__name__}; pass (inputs, targets), a Dataset or a DataLoader")
        if isinstance(data, Iterator):
            raise InputError("data is an iterator, which is empty after the first time; pass a list or a DataLoader")
        self.source: Iterable[Any] = data

    def __iter__(self) -> Iterator[Batch]:
        # A loader with workers or a sampler of its own draws from torch's global stream.
        stream = torch.get_rng_state()
        try:
            for batch in self.source:
                parts = (batch,) if isinstance(batch, Tensor) else batch
                if not isinstance(parts, (tuple, list)) or len(parts) < self._least:
                    form = "a tensor" if isinstance(batch, Tensor) else type(batch).__name__
                    raise InputError(f"a batch is {form}; it must be (*inputs, target)")
                _check_rows(parts)
                yield from _cut(tuple(parts), self._most)
        finally:
            torch.set_rng_state(stream)

    def pieces(self, rows: int | None) -> Iterator[Batch]:
        """The batches, none with more than so many rows."""
        for batch in self:
            yield from _cut(batch, rows)

    @property
    def examples(self) -> int | None:
        """How many examples there are, where that is known."""
        if isinstance(self.source, list):
            return sum(map(rows_of, self.source))
        examples = getattr(self.source, "dataset", None)
        return len(examples) if isinstance(examples, Sized) else None


def _check_rows(parts: Sequence[Any]) -> None:
    sizes = [len(part) for part in (parts[0], parts[-1]) if isinstance(part, Tensor) and part.ndim > 0]
    if 0 in sizes:
        raise InputError("a batch has no rows; pass at least one example")
    if len(set(sizes)) > 1:
        raise InputError(f"a batch has {sizes[0]} inputs and {sizes[1]} targets; pass one target for each")


def _cut(batch: Batch, rows: int | None) -> Iterator[Batch]:
    size = 0 if rows is None else rows_of(batch)
    if rows is None or size <= rows:
        yield batch
    else:
        yield from (rows_from(batch, first, min(first + rows, size)) for first in range(0, size, rows))


def rows_of(batch: Sequence[Any]) -> int:
    """The number of examples of a batch.  Raises InputError where nothing says."""
    for part in batch:
        if isinstance(part, Tensor) and part.ndim > 0:
            return len(part)
    raise InputError("a batch holds no tensor with one entry a row; pass (*inputs, target) as tensors")


def rows_from(batch: Sequence[Any], first: int, last: int) -> Batch:
    """Some examples of a batch; what is not one entry a row stays as it is."""
    size = rows_of(batch)

    def part_of(part: Any) -> Any:
        by_row = (isinstance(part, Tensor) and part.ndim > 0) or isinstance(part, list)
        return part[first:last] if by_row and len(part) == size else part

    return tuple(map(part_of, batch))


def progressing(batches: Iterable[Batch], title: str, total: int | None, show: bool) -> Iterable[Batch]:
    """The same batches, behind a progress bar where one was asked for."""
    return need("tqdm.auto", extra="all").tqdm(batches, desc=title, total=total, unit=" batches") if show else batches


def _is_list_of_batches(data: Sequence[Any]) -> bool:
    return len(data) > 0 and all(isinstance(part, (tuple, list)) for part in data)
