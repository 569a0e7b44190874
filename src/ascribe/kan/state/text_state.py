"""Texts as tensors, so that a state_dict of tensors alone holds them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor


def to_tensor(texts: Sequence[str], device: torch.device | str = "cpu") -> UInt8[Tensor, " bytes"]:
    """The texts as the bytes of a JSON list.

    >>> from_tensor(to_tensor(["sin", "x^2"]))
    ['sin', 'x^2']
    """
    return torch.tensor(list(json.dumps(list(texts)).encode()), dtype=torch.uint8, device=device)


def from_tensor(state: UInt8[Tensor, " bytes"]) -> list[str]:
    """The texts that `to_tensor` was given."""
    return [str(text) for text in json.loads(bytes(state.tolist()).decode())]
