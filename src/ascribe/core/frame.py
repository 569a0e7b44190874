"""DataFrames as tensors: numbers as they are, text and categories as codes that turn back into themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ascribe.errors import InputError, need


def is_frame(value: Any) -> bool:
    """Whether this is a pandas DataFrame (without importing pandas)."""
    return type(value).__name__ == "DataFrame" and type(value).__module__.split(".")[0] == "pandas"


@final
@dataclass(frozen=True)
class FrameKind:
    """A frame for a function of frames, or for a network (`like`: its dtype and device), which gets the numbers.

    Columns that are not numbers are coded by the order in which their values are met; `vocabulary` keeps the values.
    """

    like: Tensor | None
    columns: tuple[str, ...]
    labels: tuple[Any, ...]
    dtypes: tuple[Any, ...]
    vocabulary: dict[int, dict[Any, int]]
    whole: bool = False

    @classmethod
    def of(cls, frame: Any, like: Tensor | None) -> FrameKind:
        dtypes = tuple(frame.dtypes)
        if not frame.columns.is_unique:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise InputError(f"two columns are called {twice!r}; give each column a name of its own")
        if complex_ := [str(name) for name, dtype in zip(frame.columns, dtypes, strict=True) if dtype.kind == "c"]:
            raise InputError(
                f"column {complex_[0]!r} is of complex numbers; pass real and imaginary part as two columns"
            )
        coded = [i for i, dtype in enumerate(dtypes) if getattr(dtype, "kind", "O") not in "fiub"]
        if coded and like is not None:
            raise InputError(
                f"column {frame.columns[coded[0]]!r} is {dtypes[coded[0]]}, and a network takes numbers; encode it, "
                "or pass a function of the frame that does"
            )
        labels = tuple(frame.columns)
        return cls(like, tuple(str(name) for name in labels), labels, dtypes, {i: {} for i in coded})

    @property
    def coded(self) -> tuple[int, ...]:
        return tuple(self.vocabulary)

    def read(self, value: Any) -> Tensor:
        if not is_frame(value):
            if self.vocabulary:
                raise InputError(f"x is a DataFrame with text, so this must be one too; a {type(value).__name__} came")
            return torch.as_tensor(np.asarray(value, dtype=np.float64)).to(self._like)
        missing = [name for name in self.labels if name not in value.columns]
        if missing:
            raise InputError(f"column {missing[0]!r} is missing; it needs {', '.join(map(repr, self.labels))}")
        numbers = [
            self._codes(i, value[name])
            if i in self.vocabulary
            else value[name].to_numpy(dtype=np.float64, na_value=np.nan)
            for i, name in enumerate(self.labels)
        ]
        return torch.from_numpy(np.stack(numbers, 1)).to(self._like)

    def give(self, z: Tensor) -> Any:
        if self.like is not None:
            return z
        pandas: Any = need("pandas", extra="table")
        array = z.detach().cpu().numpy()
        return pandas.DataFrame({name: self._column(i, array[:, i], pandas) for i, name in enumerate(self.labels)})

    @property
    def _like(self) -> Tensor:
        return torch.empty(0, dtype=torch.float64) if self.like is None else self.like

    def _codes(self, column: int, values: Any) -> Any:
        known, categories = self.vocabulary[column], getattr(self.dtypes[column], "categories", None)
        # A missing value is a category of its own; as a key it must equal itself, which NaN does not.
        keys = [
            None if value is None or value != value else value
            for value in values.astype(object).where(values.notna(), None)
        ]
        strange = [] if categories is None else [key for key in keys if key is not None and key not in categories]
        if strange:
            raise InputError(
                f"column {self.labels[column]!r} holds {strange[0]!r}, which is no category of that column of x; "
                "give both the same categories"
            )
        return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.float64)

    def _column(self, column: int, values: Any, pandas: Any) -> Any:
        dtype = self.dtypes[column]
        if column in self.vocabulary:
            words = list(self.vocabulary[column])
            return pandas.Series([words[int(code)] for code in values]).astype(dtype)
        # A mean of whole numbers need not be whole, and then must not be cut.
        return values if dtype.kind in "iub" and bool((values % 1 != 0).any()) else values.astype(dtype)
