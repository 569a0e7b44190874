"""Edges that could start higher up: where a node is the function that an edge would compute once more."""

from __future__ import annotations

from dataclasses import replace

from ascribe.kan.compile.graph import Graph, Node, Subnode, Term


def share(graph: Graph) -> Graph:
    """The same values, where an edge f(a v + b) is an identity from the node of that value, if this is no dearer.

    Either the edge is from v and v is carried up to it, or it is an identity and that node is: the longer of the two
    chains is there for other edges anyway, or the edge pays for it.
    """
    nodes = _values(graph)
    last = [node.level for node in graph.nodes]
    every = [*graph.nodes, *graph.outputs]
    for node in every:
        for factor in node.factors:
            for term in factor.terms:
                if _double(term, nodes, node.level, graph) is None:
                    last[term.source] = max(last[term.source], node.level - 1)

    def shared(node: Node) -> Node:
        return replace(node, factors=tuple(with_shared(factor, node.level) for factor in node.factors))

    def with_shared(factor: Subnode, level: int) -> Subnode:
        terms = list(factor.terms)
        for place, term in enumerate(terms):
            double = _double(term, nodes, level, graph)
            if double is None:
                continue
            keep, swap = (max(0, level - 1 - last[source]) for source in (term.source, double))
            if swap <= keep and all(double != other.source for other in terms):
                terms[place] = Term(double, "x", 1, 0, term.c)
            source = terms[place].source
            last[source] = max(last[source], level - 1)
        return replace(factor, terms=tuple(terms))

    return Graph(graph.variables, [shared(node) for node in graph.nodes], [shared(node) for node in graph.outputs])


def _values(graph: Graph) -> dict[tuple[object, ...], int]:
    """The nodes that are one function of another node, by what they compute."""
    found: dict[tuple[object, ...], int] = {}
    for number, node in enumerate(graph.nodes):
        if len(node.factors) == 1 and len(node.factors[0].terms) == 1 and node.factors[0].bias == 0:
            (term,) = node.factors[0].terms
            if term.c == 1:
                found[term.source, term.function, term.a, term.b] = number
    return found


def _double(term: Term, nodes: dict[tuple[object, ...], int], level: int, graph: Graph) -> int | None:
    """The node below `level` that has the value of an edge."""
    number = nodes.get((term.source, term.function, term.a, term.b))
    return None if number is None or graph.nodes[number].level >= level else number
