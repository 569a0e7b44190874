"""Where the nodes of a graph go: in layers, with identities that carry a value up to the last layer that needs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ascribe.kan.compile.graph import Graph, Node, Subnode, Term


@dataclass(frozen=True)
class Layer:
    """The nodes of a layer, sums before products: number (None for an output) and what is computed for it there."""

    nodes: tuple[tuple[int | None, Node], ...]

    @property
    def width(self) -> list[int]:
        products = sum(len(node.factors) > 1 for _, node in self.nodes)
        return [len(self.nodes) - products, products]

    @property
    def arity(self) -> list[int]:
        return [len(node.factors) for _, node in self.nodes if len(node.factors) > 1]

    @cached_property
    def places(self) -> dict[int | None, int]:
        """The place in the layer of every node, by its number."""
        return {number: place for place, (number, _) in enumerate(self.nodes)}


def place(graph: Graph) -> list[Layer]:
    """The layers of a graph, inputs first. A value that several layers need goes up in one chain of identities."""
    last = [0] * len(graph.nodes)
    needed = [False] * len(graph.nodes)
    # From above: a node that no output needs carries nothing up.
    for output in graph.outputs:
        for source in output.sources:
            last[source], needed[source] = graph.depth - 1, True
    for number, node in reversed(list(enumerate(graph.nodes))):
        for source in node.sources if needed[number] else ():
            last[source], needed[source] = max(last[source], node.level - 1), True
    layers = [Layer(tuple((i, graph.nodes[i]) for i in range(graph.variables)))]
    for level in range(1, graph.depth):
        here: list[tuple[int | None, Node]] = []
        for number, node in enumerate(graph.nodes):
            if needed[number] and node.level == level:
                here.append((number, node))
            elif needed[number] and node.level < level <= last[number]:
                here.append((number, Node(level, (Subnode((Term(number, "x", 1, 0, 1),), 0),))))
        layers.append(Layer(tuple(sorted(here, key=lambda entry: len(entry[1].factors) > 1))))
    return [*layers, Layer(tuple((None, node) for node in graph.outputs))]
