"""Indices of small games from their definitions; a game is a dict from frozensets of players to worths."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

Worths = dict[frozenset[int], float]


def as_game(worths: Tensor) -> Worths:
    """Worths in the order of binary numbers, player i at bit i."""
    players = len(worths).bit_length() - 1
    return {
        frozenset(i for i in range(players) if code >> i & 1): float(worth)
        for code, worth in enumerate(worths.tolist())
    }


def subsets(players: frozenset[int]) -> list[frozenset[int]]:
    sizes = range(len(players) + 1)
    return [frozenset(c) for size in sizes for c in itertools.combinations(sorted(players), size)]


def joint(v: Worths, t: frozenset[int], i: int, j: int) -> float:
    """What i and j add together beyond what each adds alone."""
    return v[t | {i, j}] - v[t | {i}] - v[t | {j}] + v[t]


def players_of(v: Worths) -> frozenset[int]:
    return max(v, key=len)


def shapley(v: Worths) -> list[float]:
    """The mean over all orders of what a player adds when it joins."""
    everybody = players_of(v)
    values = [0.0] * len(everybody)
    orders = list(itertools.permutations(sorted(everybody)))
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            values[player] += (v[before | {player}] - v[before]) / len(orders)
    return values


def banzhaf(v: Worths) -> list[float]:
    """The mean over all coalitions of the others."""
    everybody = players_of(v)
    values: list[float] = []
    for i in sorted(everybody):
        others = subsets(everybody - {i})
        values.append(sum(v[t | {i}] - v[t] for t in others) / len(others))
    return values


def shapley_interactions(v: Worths) -> Tensor:
    """The Shapley value of the pair in the game where the two act as one, less theirs in the games without the other.

    That is the recursive definition of the interaction index (Grabisch & Roubens 1999); the diagonal makes the lines
    sum to the Shapley values.
    """
    everybody = players_of(v)
    n = len(everybody)
    matrix = torch.zeros(n, n, dtype=torch.float64)

    def value(of: frozenset[int], others: frozenset[int]) -> float:
        m = len(others) + 1
        return sum(
            math.factorial(len(t)) * math.factorial(m - len(t) - 1) / math.factorial(m) * (v[t | of] - v[t])
            for t in subsets(others)
        )

    for i, j in itertools.combinations(sorted(everybody), 2):
        others = everybody - {i, j}
        pair = value(frozenset({i, j}), others) - value(frozenset({i}), others) - value(frozenset({j}), others)
        matrix[i, j] = matrix[j, i] = pair / 2
    return matrix + torch.diag(torch.tensor(shapley(v), dtype=torch.float64) - matrix.sum(dim=1))


def shapley_taylor(v: Worths) -> Tensor:
    """The mean over all orders of the joint effect of a pair upon those who came before both of them."""
    everybody = players_of(v)
    n = len(everybody)
    matrix = torch.zeros(n, n, dtype=torch.float64)
    orders = list(itertools.permutations(sorted(everybody)))
    for order in orders:
        for first, second in itertools.combinations(range(n), 2):
            i, j = order[first], order[second]
            effect = joint(v, frozenset(order[:first]), i, j) / len(orders) / 2
            matrix[i, j] += effect
            matrix[j, i] += effect
    alone = [v[frozenset({i})] - v[frozenset()] for i in sorted(everybody)]
    return matrix + torch.diag(torch.tensor(alone, dtype=torch.float64))


def nearest(v: Worths, order: int) -> tuple[Tensor, Tensor]:
    """The game of so many players together that is nearest to v with the weights of KernelSHAP.

    Nobody and everybody are met exactly: by elimination, which leaves plain weighted least squares.
    """
    everybody = players_of(v)
    n, empty = len(everybody), frozenset[int]()
    pairs = list(itertools.combinations(sorted(everybody), 2)) if order == 2 else []
    terms = [frozenset({i}) for i in sorted(everybody)] + [frozenset(pair) for pair in pairs]
    rows: list[list[float]] = []
    right: list[float] = []
    for coalition, worth in v.items():
        size = len(coalition)
        if size not in (0, n):
            weight = math.sqrt((n - 1) / (math.comb(n, size) * size * (n - size)))
            held = [float(term <= coalition) for term in terms]
            # The last term is what the others leave of the whole.
            rows.append([weight * (h - held[-1]) for h in held[:-1]])
            right.append(weight * (worth - v[empty] - held[-1] * (v[everybody] - v[empty])))
    whole = v[everybody] - v[empty]
    if not rows:
        found = [0.0] * (len(terms) - 1)
    else:
        left = torch.tensor(rows, dtype=torch.float64)
        found = torch.linalg.lstsq(left, torch.tensor(right, dtype=torch.float64)[:, None], driver="gelsd").solution
        found = found[:, 0].tolist()
    found = [*found, whole - sum(found)]
    matrix = torch.zeros(n, n, dtype=torch.float64)
    for (i, j), value in zip(pairs, found[n:], strict=True):
        matrix[i, j] = matrix[j, i] = value / 2
    return torch.tensor(found[:n], dtype=torch.float64), matrix


def faithful(v: Worths) -> Tensor:
    """Faith-Shap of order two."""
    alone, matrix = nearest(v, order=2)
    return matrix + torch.diag(alone)
