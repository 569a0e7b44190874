"""What the tests of Captum's door share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


@contextmanager
def captums_warnings_aside() -> Iterator[None]:
    """Captum warns of its hooks and of gradients that it switches on."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="captum")
        for message in (
            "Input Tensor",
            "Setting forward",
            "Minimum element",
            "You are providing multiple",
            "The neuron",
        ):
            warnings.filterwarnings("ignore", message=message)
        yield


def detached(nest: Any) -> Any:
    """Captum's results without their graphs."""
    if isinstance(nest, (tuple, list)):
        return type(nest)(detached(part) for part in nest)
    return nest.detach() if isinstance(nest, Tensor) else nest


def close(found: Any, expected: Any) -> None:
    """To 1e-5 of the largest value, in the same form, shape and dtype."""
    expected = detached(expected)
    assert type(found) is type(expected)
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for mine, theirs in zip(found, expected, strict=True):
            close(mine, theirs)
        return
    assert not found.requires_grad
    largest = float(expected.abs().max()) if expected.numel() else 0.0
    exact = 1e-5 if expected.dtype != torch.float64 else 1e-9
    torch.testing.assert_close(found, expected, rtol=exact, atol=exact * largest + 1e-12)
