"""Slow, obvious replica: how likely a continuation is, one prompt and one token at a time, without padding or masks."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import torch
from torch import Tensor


def log_probabilities(model: Any, prompt_ids: list[int], continuation: list[int]) -> Tensor:
    """The log-probability of each token, then read by the model as the next of the prompt; the sum comes first."""
    ids, each = list(prompt_ids), []
    with torch.no_grad():
        for token in continuation:
            logits = model(torch.tensor([ids])).logits[0, -1]
            each.append(logits.log_softmax(0)[token])
            ids.append(token)
    return torch.stack([torch.stack(each).sum(), *each])


def ablation(worth: Any, players: int) -> Tensor:
    """(outputs, players): what the worth of all loses where one is away."""
    everybody = set(range(players))
    return torch.stack([worth(everybody) - worth(everybody - {player}) for player in everybody], 1)


def shapley(worth: Any, players: int) -> Tensor:
    """(outputs, players): the definition, coalition by coalition."""
    values = []
    for player in range(players):
        others, total = [p for p in range(players) if p != player], 0.0
        for size in range(players):
            weight = factorial(size) * factorial(players - size - 1) / factorial(players)
            for members in combinations(others, size):
                total = total + weight * (worth({*members, player}) - worth(set(members)))
        values.append(total)
    return torch.stack(values, 1)
