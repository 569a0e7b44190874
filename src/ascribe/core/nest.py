"""Nests: a tensor, or a tuple or dict of tensors, as users give them and get them back."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor


def leaves(nest: Any) -> list[Tensor]:
    """The tensors of a nest in order."""
    if isinstance(nest, Tensor):
        return [nest]
    return list(nest.values() if isinstance(nest, dict) else nest)


def flat(nest: Any, lead: int) -> Shaped[Tensor, "*lead features"]:
    """A nest as one tensor: `lead` dimensions stay, the others become columns, one leaf after the other."""
    return torch.cat([leaf.reshape(*leaf.shape[:lead], prod(leaf.shape[lead:])) for leaf in leaves(nest)], -1)
