"""What the edges and nodes of a KAN compute, as runs of text."""

from __future__ import annotations

from dataclasses import dataclass

from ascribe.kan.picture import Edge, Picture
from ascribe.plots.pages.mathematics import Runs, added, applied, bracketed, is_sum, joined, runs, scaled

TERMS = 8
"""Summands of a node that are written out."""
LONGEST = 240
"""Letters of a formula in the inputs: a longer one is not read."""


@dataclass(frozen=True)
class Formulas:
    """Spells the parts of `picture`, whose inputs and outputs have these names; `edges` are those that are drawn."""

    picture: Picture
    edges: tuple[Edge, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def name(self, layer: int, node: int) -> Runs:
        """A node: x and y by their names, those between as h with their layer and number."""
        if layer == 0:
            return runs(self.inputs[node])
        if layer == len(self.picture.width) - 1:
            return runs(self.outputs[node])
        return [("h", 0), (f"{layer},{node + 1}", -1)]

    def edge(self, edge: Edge) -> Runs:
        """c f(a x + b) + d; φ of its numbers where it is a fitted curve."""
        return self._edge(edge, self.name(edge.layer, edge.source))

    def node(self, layer: int, node: int) -> Runs:
        """The sum of the edges that arrive, or the product of such sums; nothing for an input."""
        if layer == 0:
            return []
        return self._node(layer, node, [self.name(layer - 1, source) for source in range(self._nodes(layer - 1))])

    def whole(self, layer: int, node: int) -> Runs:
        """The node in the inputs alone; nothing for the first layers, where that is its formula, or if it is long."""
        if layer < 2:
            return []
        below = [self.name(0, source) for source in range(self._nodes(0))]
        for l in range(1, layer):
            below = [self._node(l, place, below) for place in range(self._nodes(l))]
            if any(_length(found) > LONGEST for found in below):
                return []
        found = self._node(layer, node, below)
        return found if _length(found) <= LONGEST else []

    def _nodes(self, layer: int) -> int:
        return sum(self.picture.width[layer])

    def _edge(self, edge: Edge, argument: Runs) -> Runs:
        curve: Runs = [("φ", 0), (f"{edge.layer},{edge.source},{edge.subnode}", -1), *bracketed(argument)]
        if edge.kind == "numeric":
            return joined(curve)
        found = applied(edge.function, edge.affine, argument)
        return joined(found if edge.kind == "symbolic" else added([found, curve]))

    def _node(self, layer: int, node: int, below: list[Runs]) -> Runs:
        """The node in terms of those below it, which are spelt already."""
        sums, _ = self.picture.width[layer]
        arity = self.picture.arity[layer]
        if node < sums:
            inner = self._subnode(layer, node, below)
        else:
            first = sums + sum(arity[: node - sums])
            factors = [self._subnode(layer, subnode, below) for subnode in range(first, first + arity[node - sums])]
            inner = [run for factor in factors for run in (*_factor(factor), (" · ", 0))][:-1]
        scale, shift = self._affine(layer, 1, node)
        return joined(scaled(scale, inner if scale == 1.0 else bracketed(inner), shift))

    def _subnode(self, layer: int, subnode: int, below: list[Runs]) -> Runs:
        arriving = [e for e in self.edges if e.layer == layer - 1 and e.subnode == subnode]
        arriving.sort(key=lambda edge: -edge.score)
        inner = added([self._edge(edge, below[edge.source]) for edge in arriving[:TERMS]])
        if len(arriving) > TERMS:
            inner.append((f" + … {len(arriving) - TERMS:,} more", 0))
        scale, shift = self._affine(layer, 0, subnode)
        return scaled(scale, inner if scale == 1.0 else bracketed(inner), shift)

    def _affine(self, layer: int, kind: int, place: int) -> tuple[float, float]:
        if not self.picture.affines:
            return 1.0, 0.0
        scale, bias = self.picture.affines[layer - 1][kind][place].tolist()
        return float(scale), float(bias)


def _factor(found: Runs) -> Runs:
    """A factor of a product: a number may stand alone, a sum may not."""
    return bracketed(found) if is_sum(found) or found[0][0].startswith("−") else found


def _length(found: Runs) -> int:
    return sum(len(text) for text, _ in found)
