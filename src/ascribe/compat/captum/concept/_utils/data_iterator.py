"""Examples of concepts from files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset


class CustomIterableDataset(IterableDataset[Any]):
    """What a function makes of every file of a folder, in the order of their names, or of one path."""

    def __init__(self, transform_filename_to_tensor: Callable[[str], Any], path: str) -> None:
        self.transform_filename_to_tensor, self.path = transform_filename_to_tensor, path

    def __iter__(self) -> Iterator[Tensor]:
        folder = Path(self.path)
        if not folder.is_dir():
            return iter(self.transform_filename_to_tensor(self.path))
        return map(self.transform_filename_to_tensor, sorted(str(file) for file in folder.iterdir()))


def dataset_to_dataloader(dataset: Dataset[Any], batch_size: int = 64) -> DataLoader[Any]:
    """The data set in batches."""
    return DataLoader(dataset, batch_size=batch_size)
