"""All columns of a table together: which become which features, and which are dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from ascribe.core.schema import Column
from ascribe.errors import InputError
from ascribe.tables.cells import brief, numbers, sort_of, texts
from ascribe.tables.encodings import Dropped, Encoding, Numbers
from ascribe.tables.learn import learn

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Encoder:
    """The encodings of the columns of a table, learned from its training rows.

    >>> import pyarrow as pa
    >>> table = pa.table({"rooms": [3, 4, 7], "colour": ["red", "blue", None], "one": [1, 1, 1]})
    >>> encoder = Encoder.learn(table, table.column_names, np.arange(3))
    >>> encoder.features
    ('rooms', 'colour = blue', 'colour = red', 'colour = (missing)')
    >>> encoder.encode(table)[2].tolist(), encoder.players, encoder.groups.tolist()
    ([7.0, 0.0, 0.0, 1.0], ('rooms', 'colour'), [0, 1, 1, 1])
    """

    encodings: tuple[Encoding, ...]

    @classmethod
    def learn(cls, table: pa.Table, names: Sequence[str], training: Int[np.ndarray, " rows"]) -> Encoder:
        """The treatment that the training rows suggest. Raises InputError when no column is left."""
        encodings = tuple(
            Dropped(Column(name, "dropped"), "Dropped: it numbers the rows.")
            if numbers_the_rows(table[name])
            else learn(name, table[name].take(training))
            for name in names
        )
        if not any(encoding.features for encoding in encodings):
            reasons = "; ".join(
                f"{encoding.column.name}: {encoding.treatment.removeprefix('Dropped: ').removesuffix('.')}"
                for encoding in encodings[:4]
            )
            raise InputError(f"no column is left to explain the target ({reasons}); columns that vary are needed.")
        return cls(encodings)

    @classmethod
    def plain(cls, table: pa.Table, names: Sequence[str], training: Int[np.ndarray, " rows"]) -> Encoder:
        """Every column as the number it is, for a network that was trained elsewhere. Raises InputError for a text."""
        for name in names:
            if sort_of(table[name]) not in ("number", "boolean"):
                raise InputError(
                    f"--model reads numbers, but column {name!r} holds {table[name].type}; "
                    f"encode it as for training, or leave it out with --drop {name!r}."
                )
        medians = {name: median(numbers(table[name].take(training))) for name in names}
        sentence = "Passed to the network as it is. A missing or infinite value counts as the training median, {}."
        return cls(tuple(Numbers(Column(n, "numeric"), sentence.format(brief(m)), m) for n, m in medians.items()))

    @property
    def used(self) -> tuple[Encoding, ...]:
        return tuple(encoding for encoding in self.encodings if encoding.features)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the encoded columns."""
        return tuple(feature for encoding in self.used for feature in encoding.features)

    @property
    def players(self) -> tuple[str, ...]:
        """The names of the table's columns that have features: what is explained."""
        return tuple(encoding.column.name for encoding in self.used)

    @property
    def groups(self) -> Int[np.ndarray, " features"]:
        """For each feature the place of its column in `players`."""
        return np.repeat(np.arange(len(self.used)), [len(encoding.features) for encoding in self.used])

    @property
    def limits(self) -> Float[np.ndarray, "2 features"]:
        """Between which values of each feature a network can be trained."""
        bounds = np.tile([[-np.inf], [np.inf]], len(self.features))
        for place, feature in enumerate(self.features):
            encoding = self.used[self.groups[place]]
            if isinstance(encoding, Numbers) and encoding.limits and feature == encoding.column.name:
                bounds[:, place] = encoding.limits
        return bounds

    def encode(self, table: pa.Table) -> Float[np.ndarray, "rows features"]:
        return np.concatenate([encoding.encode(table[encoding.column.name]) for encoding in self.used], axis=1)

    def recipe(self) -> list[dict[str, Any]]:
        """The treatment as plain data, enough to encode the table again."""
        return [{"encoding": type(e).__name__, "features": list(e.features), **asdict(e)} for e in self.encodings]


def numbers_the_rows(cells: pa.ChunkedArray) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ...: it says where a row stands, not what it is."""
    if sort_of(cells) != "number" or len(cells) < 3:
        return False
    values = numbers(cells)
    return bool(values[0] in (0, 1) and (np.diff(values) == 1).all())


def median(values: np.ndarray) -> float:
    present = values[~np.isnan(values)]
    return float(np.median(present)) if len(present) else 0.0


def count_missing(cells: pa.ChunkedArray) -> int:
    """The cells of a column that hold no value, infinities included."""
    sort = sort_of(cells)
    if sort == "other":
        return int(cells.null_count)
    values = texts(cells) if sort in ("text", "boolean") else numbers(cells)
    return sum(value is None or bool(value != value) for value in values)
