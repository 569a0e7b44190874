"""Shapley values of games of sums from the definition: all coalitions, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial

import torch
from torch import Tensor


def game_values(worth: Callable[[frozenset[int]], Tensor], players: int) -> Tensor:
    """(players, ...): what a player adds to every coalition of the others, weighted by |S|! (n - |S| - 1)! / n!."""
    known = {
        frozenset(some): worth(frozenset(some))
        for size in range(players + 1)
        for some in combinations(range(players), size)
    }
    values = []
    for i in range(players):
        total = torch.zeros_like(known[frozenset()])
        for some, value in known.items():
            if i not in some:
                weight = factorial(len(some)) * factorial(players - len(some) - 1) / factorial(players)
                total = total + weight * (known[some | {i}] - value)
        values.append(total)
    return torch.stack(values)


def sum_game_values(outer: Callable[[Tensor], Tensor], present: Tensor, absent: Tensor) -> Tensor:
    """(outputs, rows, players) for `outer` from (1, subnodes) to (1, subnodes, outputs), over the background."""
    rows = []
    for row in present:
        games = [
            game_values(lambda some, row=row, base=base: _worth(outer, row, base, some), row.shape[1])
            for base in absent
        ]
        rows.append(torch.stack(games).mean(0))
    return torch.stack(rows).permute(2, 0, 1)


def _worth(outer: Callable[[Tensor], Tensor], row: Tensor, base: Tensor, some: frozenset[int]) -> Tensor:
    taken = torch.tensor([i in some for i in range(row.shape[1])])
    return outer(torch.where(taken, row, base).sum(1)[None])[0].sum(0)
