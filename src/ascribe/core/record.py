"""What an explanation found, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Shaped
from torch import Tensor

from ascribe.core.method import Method
from ascribe.core.nest import flat


@dataclass(frozen=True, repr=False, eq=False)
class Record:
    """The fields of an `Attribution`, apart so that tables and pages need not know it, nor it them."""

    values: Any
    error: Any | None
    output: Float[Tensor, "*outputs rows"]
    reference: Float[Tensor, "*outputs rows"]
    gap: Float[Tensor, "*outputs rows"]
    inputs: Any
    names: Sequence[str]
    target: Any
    at: str | tuple[str, ...] | None
    method: Method
    calls: int
    evaluations: int
    seconds: float

    @property
    def columns(self) -> Sequence[str]:
        """A name for every column of `per_feature`: the features, or their pairs."""
        if self.per_feature().shape[-1] == len(self.names):
            return self.names
        return tuple(f"{one} x {other}" for one in self.names for other in self.names)

    def per_feature(self) -> Shaped[Tensor, "*outputs rows features"]:
        """The values as one tensor with one column a feature, or one a pair of features."""
        return flat(self.values, self.output.ndim)

    def error_per_feature(self) -> Shaped[Tensor, "*outputs rows features"] | None:
        """The errors as `per_feature` gives the values."""
        return None if self.error is None else flat(self.error, self.output.ndim)
