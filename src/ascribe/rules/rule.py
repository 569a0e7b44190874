"""The three ways in which a difference from the reference, or relevance, passes through a function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

from torch import Tensor

from ascribe.rules.calls import Call, Function, Pullback


class Rule:
    """How a difference from the reference, or relevance, passes through a function."""

    def at(self, call: Call) -> Rule:
        """The rule for this very call: a product with a constant is linear, dropout in training mode is refused."""
        return self


@final
class Linear(Rule):
    """Its own derivative does: an affine function carries differences, one that moves entries carries relevance."""


@final
@dataclass(frozen=True)
class Written(Rule):
    """A function written with simpler ones, each of which has its rule."""

    form: Function


class Replaced(Rule):
    """A function whose backward is replaced."""


class Compared(Replaced, ABC):
    """A function whose backward is replaced by multipliers that carry differences exactly."""

    @abstractmethod
    def pullback(self, call: Call, inputs: list[Tensor], output: Tensor) -> Pullback:
        """The backward for this call, from its values at the input (in `call`) and at the reference (given)."""


LINEAR = Linear()
