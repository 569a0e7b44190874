"""The result of an explanation: what every entry contributed, how sure that is, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar, final

from ascribe.core.drawing import Drawer
from ascribe.core.page import attribution_html
from ascribe.core.record import Record
from ascribe.core.table import load, save, to_table


@final
@dataclass(frozen=True, repr=False, eq=False)
class Attribution(Record):
    """Values in the nest and shape of what was explained, or (rows, players) where groups were given.

    With `target="all"` the network's outputs stand in front: (outputs, rows, ...). `gap` is what completeness leaves
    over in every row: `output - reference - sum(values)`; `reference` is a mean where there was a background.
    """

    plot: ClassVar[Drawer] = Drawer()

    def to_table(self) -> Any:
        """A `pyarrow.Table`: a row a data row, a column a feature, then output, reference, gap and the errors."""
        return to_table(self)

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame."""
        return self.to_table().to_pandas()

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything into one Parquet file, whole or not at all.  Raises FileError."""
        save(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Attribution:
        """Read what `save` wrote; the method is then a record of what ran.  Raises FileError."""
        return cls(**load(path))

    def __repr__(self) -> str:
        where = "" if self.at is None else f", at={self.at!r}"
        size = " x ".join(map(str, self.per_feature().shape))
        return (
            f"Attribution({size} values, {self.method!r}, target={self.target!r}{where}, "
            f"largest gap {float(self.gap.abs().max()):.2g}, {self.evaluations} evaluations, {self.seconds:.2f} s)"
        )

    def _repr_html_(self) -> str:
        return attribution_html(self)
