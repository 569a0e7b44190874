"""A network's outputs on data, to judge its formulas by."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.structure import Network

Normalizer = Sequence[Any]  # [mean, std], one number a column each


@final
@dataclass(frozen=True)
class Sample:
    """Rows and outputs in the user's units; `precision` is the network's, `rounding` what it makes of each number:
    64 of its roundings, and as many of the output's median, for rows where terms cancel."""

    rows: Float64[Tensor, "n columns"]
    outputs: Float64[Tensor, "n outputs"]
    precision: float
    rounding: Float64[Tensor, "n outputs"]

    @classmethod
    def of(
        cls,
        kan: Network,
        x: Float[Tensor, "*batch columns"],
        normalizer: Normalizer | None,
        outwards: Normalizer | None,
    ) -> Sample:
        """On x as the network takes it, which the normalizers bring into other units.

        Raises InputError for normalizers that do not fit.
        """
        given = x.reshape(-1, x.shape[-1])
        with torch.no_grad():
            wanted = kan(given).double()
        rows, wanted = (_outwards(part, by) for part, by in ((given.double(), normalizer), (wanted, outwards)))
        precision = torch.finfo(kan.layers[0].coef.dtype).eps
        each = wanted.abs()
        typical = each.nanmedian(0).values if len(each) else 0.0
        return cls(rows, wanted, precision, 64 * precision * (each + typical))

    def differences(self, formula: Callable[[Tensor], Tensor]) -> Float64[Tensor, "n outputs"]:
        """The sizes of what is between the formula and each output; infinite where either is no number."""
        with torch.no_grad():
            return sizes(formula(self.rows) - self.outputs)


def sizes(values: Float64[Tensor, "n outputs"]) -> Float64[Tensor, "n outputs"]:
    """Without their signs, NaN being infinite."""
    return torch.where(values.isnan(), torch.inf, values.abs())


def largest(values: Float64[Tensor, "n outputs"]) -> Float64[Tensor, " outputs"]:
    """The largest of each column; 0 where there are no rows."""
    return torch.cat([values, values.new_zeros(1, values.shape[1])]).amax(0)


def means_and_deviations(given: Normalizer, count: int, name: str) -> tuple[list[float], list[float]]:
    """One of each for every column.  Raises InputError for other numbers of them, and for deviations of 0."""
    if len(given) != 2:
        raise InputError(f"{name} has {len(given)} entries; pass [mean, std].")
    try:
        mean, std = (torch.as_tensor(part, dtype=torch.float64).flatten().tolist() for part in given)
    except (TypeError, ValueError):
        mean, std = [], []
    if len(mean) != count or len(std) != count or not all(std) or not all(map(math.isfinite, [*mean, *std])):
        raise InputError(
            f"{name} has {len(mean)} means and {len(std)} deviations for {count} columns; pass [mean, std] with one"
            " finite number a column each, no deviation of 0."
        )
    return mean, std


def _outwards(values: Float64[Tensor, "n columns"], normalizer: Normalizer | None) -> Float64[Tensor, "n columns"]:
    if normalizer is None:
        return values
    mean, std = means_and_deviations(normalizer, values.shape[1], "normalizer")
    return values * values.new_tensor(std) + values.new_tensor(mean)
