"""How far two attributions say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ascribe.errors import MethodError


@final
@dataclass(frozen=True)
class RankCorrelation:
    r"""Spearman's correlation of the players' order in each row: 1 the same order, -1 turned round.

    Equal values share the mean of their ranks. NaN where one of the two has no order at all (all values equal).

    Source: Spearman (1904), "The proof and measurement of association between two things".

    >>> a = torch.tensor([[1.0, 2.0, 3.0]]); RankCorrelation()(a, -a).tolist()
    [-1.0]
    """

    def __call__(self, a: Float[Tensor, "rows players"], b: Float[Tensor, "rows players"]) -> Float64[Tensor, " rows"]:
        ranks_a, ranks_b = _centred_ranks(a), _centred_ranks(b)
        sizes = (ranks_a.square().sum(dim=1) * ranks_b.square().sum(dim=1)).sqrt()
        return (ranks_a * ranks_b).sum(dim=1) / sizes


@final
@dataclass(frozen=True)
class TopOverlap:
    """The part of the `top` largest players, by size without sign, that two attributions have in common in each row.

    >>> TopOverlap(1)(torch.tensor([[1.0, -3.0]]), torch.tensor([[0.0, 2.0]])).tolist()
    [1.0]
    """

    top: int = 3

    def __post_init__(self) -> None:
        if self.top < 1:
            raise MethodError(f"top={self.top}; pass at least 1")

    def __call__(self, a: Float[Tensor, "rows players"], b: Float[Tensor, "rows players"]) -> Float64[Tensor, " rows"]:
        top = min(self.top, a.shape[1])
        first, second = (values.abs().topk(top, dim=1).indices for values in (a, b))
        return (first[:, :, None] == second[:, None, :]).sum(dim=(1, 2)).double() / top


def _centred_ranks(values: Float[Tensor, "rows players"]) -> Float64[Tensor, "rows players"]:
    """Ranks less their mean, ties shared: half of how many are smaller less how many are larger."""
    ordered = values.sort(dim=1).values.contiguous()
    smaller = torch.searchsorted(ordered, values.contiguous(), right=False)
    not_larger = torch.searchsorted(ordered, values.contiguous(), right=True)
    return (smaller + not_larger - values.shape[1]).double() / 2
