"""Rows of data as the objective takes them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Inputs as the user has them (rows first), labels as `read_label` lays them out, and weights of mean 1."""

    inputs: Float[Tensor, "n columns"]
    label: Tensor
    weight: Float[Tensor, " n"] | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Int[Tensor, " some"]) -> Rows:
        """Some of the rows; their weights are what they were, whatever the mean of these."""
        weight = None if self.weight is None else self.weight[rows]
        return Rows(self.inputs[rows], self.label[..., rows], weight)

    def to(self, dtype: torch.dtype) -> Rows:
        label = self.label.to(dtype) if self.label.is_floating_point() else self.label
        return Rows(self.inputs.to(dtype), label, None if self.weight is None else self.weight.to(dtype))

    def split(self, share: float, seed: int, by_class: bool) -> tuple[Rows, Rows]:
        """The rows without a share of them, and that share: drawn by the seed, and evenly from every class."""
        held = min(max(1, round(share * len(self))), len(self) - 1)
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed)).to(self.inputs.device)
        if by_class:
            order = order[self.label.reshape(-1)[order].argsort(stable=True)]
        chosen = ((torch.arange(held, device=order.device) + 0.5) * len(order) / held).long()
        out = torch.zeros(len(order), dtype=torch.bool, device=order.device)
        out[order[chosen]] = True
        return self.take((~out).nonzero()[:, 0]), self.take(out.nonzero()[:, 0])
