"""How relevance passes through softmax and its kin."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from ascribe.rules.calls import Call
from ascribe.rules.relevance.epsilon import Epsilon
from ascribe.rules.relevance.passing import Passing


@final
class Softmax(Passing):
    r"""$R_i = x_i (R_i - y_i \sum_j R_j)$: the first-order Taylor term of $y = \mathrm{softmax}(x)$ at x.

    What the term leaves is lost, or shared evenly among the entries, where biases are shared.

    Source: Achtibat et al. (2024), "AttnLRP: attention-aware layer-wise relevance propagation for transformers".
    """

    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        (x,) = call.values
        with torch.no_grad():
            y: Tensor = call.rerun(x)
        dim = _dimension(call, x)
        total = relevance.sum(dim, keepdim=True)
        found = torch.where(y > 0, x * (relevance - y * total), 0.0).to(x.dtype)
        if sums.bias == "shared":
            open_entries = (y > 0).to(x.dtype)
            rest = total - found.sum(dim, keepdim=True)
            found = found + rest * open_entries / open_entries.sum(dim, keepdim=True)
        return (found,)


@final
class LogSumExp(Passing):
    r"""A soft maximum: relevance goes where the maximum is, $R_i = \mathrm{softmax}(x)_i R$."""

    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        (x,) = call.values
        with torch.enable_grad():
            source = x.detach().requires_grad_()
            output = call.rerun(source)
        return torch.autograd.grad(output, source, relevance)


def _dimension(call: Call, x: Tensor) -> int:
    dim: Any = call.argument(1, "dim")
    return dim if isinstance(dim, int) else (0 if x.ndim in (0, 1, 3) else 1)
