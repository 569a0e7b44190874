"""Whether two groups of scores differ by more than chance."""

from __future__ import annotations

import math
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

_EXACT = 20_000  # relabellings that are all tried


def permutation_p(a: Float[Tensor, " a"], b: Float[Tensor, " b"], draws: int = 10_000, seed: int = 0) -> float:
    r"""The part of all relabellings whose means differ by at least $|\bar a - \bar b|$: a two-sided p-value.

    Exact for few scores; of many, `draws` random relabellings and the given one, which is never too small. NaN where a
    group has fewer than two scores.

    Source: Fisher (1935), "The design of experiments"; Phipson & Smyth (2010), "Permutation p-values should never be
    zero".

    >>> permutation_p(torch.tensor([3.0, 4.0, 5.0]), torch.tensor([0.0, 1.0, 2.0]))
    0.1
    """
    if len(a) < 2 or len(b) < 2:
        return math.nan
    both = torch.cat([a, b]).double().cpu()
    total = both.sum()
    observed = abs(float(a.double().mean() - b.double().mean()))
    if math.comb(len(both), len(a)) <= _EXACT:
        chosen = torch.tensor(list(combinations(range(len(both)), len(a))))
    else:
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.rand(draws, len(both), generator=generator).argsort(dim=1)[:, : len(a)]
    sums = both[chosen].sum(dim=1)
    differences = (sums / len(a) - (total - sums) / len(b)).abs()
    # Rounding must not turn a tie into a smaller difference.
    count = int((differences >= observed * (1 - 1e-9) - 1e-12).sum())
    if len(chosen) == draws and math.comb(len(both), len(a)) > _EXACT:
        return (count + 1) / (draws + 1)
    return count / len(chosen)
