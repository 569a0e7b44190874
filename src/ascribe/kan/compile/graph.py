"""A formula as a KAN computes it, before there is one: nodes add functions of earlier nodes, or multiply such sums."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ascribe.errors import InputError

_SHOWN = 200  # letters of a term in an error


def real(number: Any, term: Any = None) -> float:
    """A sympy number as a float, rounded once.  Raises InputError for one of a term that is not real, or not finite."""
    value = float("nan")
    # A tower of powers is too large for evalf itself.
    with suppress(OverflowError):
        found = number.evalf(30)
        value = float(found) if found.is_Float or found.is_Rational else value
    if not math.isfinite(value):
        within = "the compiled formula" if term is None else f"the term {shown(term)}"
        raise InputError(
            f"{within} holds {shown(number)}, which is no finite real number; a KAN computes with real numbers."
        )
    return value


def shown(expression: Any) -> str:
    """An expression in an error: whole where it is short; Python writes no numbers of thousands of digits."""
    try:
        text = str(expression)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."


@dataclass(frozen=True)
class Term:
    """An edge c f(a v + b), v the value of node `source`; a, b and c are sympy's numbers."""

    source: int
    function: str
    a: Any
    b: Any
    c: Any


@dataclass(frozen=True)
class Subnode:
    """A sum of edges, no two of them from one node, and a constant."""

    terms: tuple[Term, ...]
    bias: Any

    def times(self, c: Any) -> Subnode:
        """The sum, c times."""
        return Subnode(tuple(Term(t.source, t.function, t.a, t.b, c * t.c) for t in self.terms), c * self.bias)

    @property
    def sources(self) -> list[int]:
        return [term.source for term in self.terms]


@dataclass(frozen=True)
class Node:
    """The product of its factors, of one mostly; `level` layers of edges lie below it."""

    level: int
    factors: tuple[Subnode, ...]
    # What a product has added to it, where it is an output.
    bias: Any = 0

    @property
    def sources(self) -> list[int]:
        return [source for factor in self.factors for source in factor.sources]


@dataclass
class Graph:
    """Nodes, those below first, the variables before all others; and the outputs, which lie above all of them."""

    variables: int
    nodes: list[Node] = field(default_factory=list)
    outputs: list[Node] = field(default_factory=list)

    @property
    def depth(self) -> int:
        """The layers of edges below the outputs."""
        return max(node.level for node in self.outputs)

    def level(self, factors: tuple[Subnode, ...]) -> int:
        """The lowest level that a node of these factors can have."""
        return 1 + max((self.nodes[source].level for factor in factors for source in factor.sources), default=0)
