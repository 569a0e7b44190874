"""What the run at the input leaves for the run at the reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ascribe.rules.calls import Call, Function
from ascribe.rules.rule import Rule


@dataclass
class Entry:
    """What the first run leaves for the second: the function, its rule, its call and the constants it took."""

    function: Function
    rule: Rule | None = None
    call: Call | None = None
    depends: tuple[bool, ...] = ()
    constants: list[Any] = field(default_factory=list[Any])


def constants_of(flat: list[Any], depends: Iterable[bool]) -> list[Any]:
    """The numbers and tensors of a call that must be the same at input and reference."""
    flags = iter(depends)
    return [
        leaf
        for leaf in flat
        if (not next(flags) if isinstance(leaf, Tensor) else isinstance(leaf, (int, float, complex)))
    ]


def same(before: list[Any], now: list[Any]) -> bool:
    return len(before) == len(now) and all(a is b or _agree(a, b) for a, b in zip(before, now, strict=True))


def _agree(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
    return type(a) is type(b) and a == b
