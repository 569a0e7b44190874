"""Cooperative games: what each player is due, given what coalitions are worth."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.maths.coalitions import every


def shapley_weights(players: int) -> Float[Tensor, "coalitions players"]:
    r"""The matrix $W$ with $\phi = v W$ for the worths $v$ of all coalitions, in the order of `every`; float64.

    $$W_{Si} = \frac{(|S|-1)!\,(n-|S|)!}{n!} \text{ for } i \in S, \quad
      W_{Si} = -\frac{|S|!\,(n-|S|-1)!}{n!} \text{ for } i \notin S.$$

    Source: Shapley (1953), "A value for n-person games".
    """
    # |S|! (n - |S| - 1)! / n! = 1 / (n C(n-1, |S|)); nobody joins the whole coalition, nobody leaves the empty one.
    joining = [1 / (players * math.comb(players - 1, size)) for size in range(players)]
    present = every(players)
    size = present.sum(dim=1, keepdim=True)
    out = -torch.tensor([*joining, 0.0], dtype=torch.float64)[size]
    into = torch.tensor([0.0, *joining], dtype=torch.float64)[size]
    return torch.where(present, into, out)


def shapley(worths: Float[Tensor, "rows coalitions"]) -> Float[Tensor, "rows players"]:
    r"""Exact Shapley values $\phi_i = \sum_{S \not\ni i} \frac{|S|!(n-|S|-1)!}{n!} (v(S \cup i) - v(S))$, in float64.

    `worths` are those of all coalitions, in the order of `every`.

    >>> shapley(torch.tensor([[0.0, 1.0, 2.0, 4.0]]).double()).tolist()
    [[1.5, 2.5]]
    """
    return worths.double() @ shapley_weights(worths.shape[1].bit_length() - 1)


def contributions(
    worths: Float[Tensor, "rows walks steps"], order: Int[Tensor, "walks players"]
) -> Float[Tensor, "rows walks players"]:
    """What each player adds when it joins, in each walk; the sum over players is exactly the walk's whole rise."""
    return worths.diff(dim=-1)[:, torch.arange(len(order))[:, None], order.argsort(dim=1)]
