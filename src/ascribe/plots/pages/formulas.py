"""What the edges and nodes of a KAN compute, as runs of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ascribe.kan.picture import Edge, Picture
from ascribe.plots.pages.mathematics import Run, Runs, applied, joined, runs, scaled

TERMS = 8
"""Summands of a node that are written out."""
_Affine = tuple[float, float]


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
        argument = self.name(edge.layer, edge.source)
        curve: Runs = [("φ", 0), (f"{edge.layer},{edge.source},{edge.subnode}", -1), ("(", 0), *argument, (")", 0)]
        if edge.kind == "numeric":
            return joined(curve)
        found = applied(edge.function, edge.affine, argument)
        return joined(found if edge.kind == "symbolic" else [*found, (" + ", 0), *curve])

    def node(self, layer: int, node: int) -> Runs:
        """The sum of the edges that arrive, or the product of such sums; nothing for an input."""
        if layer == 0:
            return []
        sums, _ = self.picture.width[layer]
        arity = self.picture.arity[layer]
        if node < sums:
            inner = self._subnode(layer, node)
        else:
            first = sums + sum(arity[: node - sums])
            factors = [self._subnode(layer, subnode) for subnode in range(first, first + arity[node - sums])]
            inner = [run for factor in factors for run in (*_bracketed(factor), (" · ", 0))][:-1]
        affine = self._affine(layer, 1, node)
        return joined(scaled(affine[0], inner if affine[0] == 1.0 else _bracketed(inner), affine[1]))

    def _subnode(self, layer: int, subnode: int) -> Runs:
        arriving = [e for e in self.edges if e.layer == layer - 1 and e.subnode == subnode]
        arriving.sort(key=lambda edge: -edge.score)
        terms = [self.edge(edge) for edge in arriving[:TERMS]]
        inner = [run for term in terms for run in (*term, (" + ", 0))][:-1] or [("0", 0)]
        if len(arriving) > TERMS:
            inner.append((f" + … {len(arriving) - TERMS:,} more", 0))
        scale, shift = self._affine(layer, 0, subnode)
        return scaled(scale, inner if scale == 1.0 else _bracketed(inner), shift)

    def _affine(self, layer: int, kind: int, place: int) -> _Affine:
        if not self.picture.affines:
            return 1.0, 0.0
        scale, bias = self.picture.affines[layer - 1][kind][place].tolist()
        return float(scale), float(bias)


def _bracketed(inner: Sequence[Run]) -> Runs:
    return [("(", 0), *inner, (")", 0)]
