"""Functions exchanged for others, once every edge has one: what splines cannot tell apart, exact fits can."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch

from ascribe.kan.state.history import Versioned
from ascribe.kan.symbolic.candidates import Range, candidates
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.library import function_named
from ascribe.kan.symbolic.reading import Choice, Rows, loss_of, with_edge

Net = TypeVar("Net", bound=Versioned)

# Functions that are tried on an edge, those of them that follow its curve this closely, and how often all edges are.
_TRIED, _NEAR, _ROUNDS = 4, 0.05, 3
# Of an edge's variance, below which another function is the same one.
_SAME = 1e-10
# Of the price of one unit of complexity, what an exchange must gain: sin and cos are each other's images.
_GAIN = 0.5


def exchanged(
    net: Net,
    choices: Iterable[Choice],
    rows: Rows,
    lib: Sequence[str | Function] | None,
    a_range: Range,
    b_range: Range,
    weight_simple: float,
    floor: float,
) -> tuple[Net, tuple[Choice, ...]]:
    r"""Other functions on one edge after the other, the rest refitted, while $n \ln(loss) + \ln(n)\,cost$ falls.

    `cost` is the complexity of all functions and the bits that they cancel: 50 cos(x / 5) is nearly a parabola, but is
    50 where its edge moves by 1. A loss at or below `floor` is exact: then only cost counts.
    Price: up to three times four fits for every edge.
    """
    chosen = {choice.edge: choice for choice in choices}
    now, gain = _criterion(net, rows, floor), _GAIN * math.log(rows[1].numel())
    for _ in range(_ROUNDS):
        before = now
        edges = list(chosen)
        found = candidates(net, edges, lib, a_range, b_range, rows[0])
        for edge in edges:
            near = [ranked for ranked in found.of(*edge, weight_simple).ranked if ranked.error < _NEAR]
            for ranked in near[:_TRIED]:
                present = function_named(chosen[edge].function)
                # 1e6 sin(x / 1e6) is x: what it gains is what other edges have wrong.
                dearer = ranked.error < _SAME and ranked.complexity > present.complexity
                if dearer or ranked.name == present.name:
                    continue
                trial = with_edge(net, edge, ranked.function, ranked.affine, rows)
                there = _criterion(trial, rows, floor)
                if there < now - gain:
                    net, now, chosen[edge] = trial, there, Choice(edge, ranked.name, ranked.r2)
        if now == before:
            break
    return net, tuple(chosen.values())


def _criterion(net: Versioned, rows: Rows, floor: float) -> float:
    """Bayes's information criterion of what the network says of the rows."""
    count = rows[1].numel()
    return count * math.log(max(loss_of(net, rows), floor)) + math.log(count) * _cost(net, rows)


def _cost(net: Versioned, rows: Rows) -> float:
    total = 0.0
    with torch.no_grad():
        for layer, x in zip(net.layers, net.activations(rows[0]).nodes, strict=True):
            affine = layer.symbolic.affine
            if affine is None:
                continue
            parts = layer.symbolic.values(x) - affine[:, 3]
            bits = torch.log2(parts.abs().amax(0) / parts.std(0)).nan_to_num(0.0, 0.0, 0.0).clamp(min=0)
            total += float(bits.sum()) + sum(function_named(name).complexity for name in layer.symbolic.names)
    return total
