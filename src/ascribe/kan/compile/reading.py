"""From a sympy expression to the graph: sums of functions and products of sums, each part once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ascribe.errors import InputError, need
from ascribe.kan.compile.elementary import EXPM1, edge, made_of
from ascribe.kan.compile.graph import Graph, Node, Subnode, Term, real, shown
from ascribe.kan.symbolic.library import function_named

# What is added up: every part that is no sum, with its coefficient.
Parts = dict[Any, Any]


class Reader:
    """Builds the graph from below; `known` remembers the node that each part became."""

    def __init__(self, variables: Sequence[Any]) -> None:
        self.sympy: Any = need("sympy", extra="pykan")
        self.graph = Graph(len(variables), [Node(0, ()) for _ in variables])
        self.known: dict[Any, int] = {symbol: i for i, symbol in enumerate(variables)}
        self.variables = list(variables)

    def read(self, expressions: Sequence[Any]) -> Graph:
        """The graph with these outputs, in their order, all at one level: identities may bring them there."""
        self._check(expressions)
        sums = [self._split(expr) for expr in expressions]
        products = [self._lone_product(parts) for parts, _ in sums]
        found = [
            Node(self.graph.nodes[p].level, self.graph.nodes[p].factors) if p is not None else self._output(parts, bias)
            for (parts, bias), p in zip(sums, products, strict=True)
        ]
        depth = max(node.level for node in found)
        direct = [p is not None and node.level == depth for p, node in zip(products, found, strict=True)]
        chosen = [p for p, stays in zip(products, direct, strict=True) if stays]
        if direct != sorted(direct) or len(set(chosen)) < len(chosen):
            # A layer has its sums before its products: they would change places; or a product would stand there twice.
            depth, direct = depth + 1, [False] * len(direct)
        for (parts, bias), node, stays in zip(sums, found, direct, strict=True):
            if stays:
                (coefficient,) = parts.values()
                made = Node(depth, _scaled(node.factors, coefficient), bias)
            else:
                made = Node(depth, (self._subnode(parts, bias),))
            self.graph.outputs.append(made)
        return self.graph

    def _check(self, expressions: Sequence[Any]) -> None:
        for expr in expressions:
            unknown = sorted(map(str, expr.free_symbols - set(self.variables)))
            if unknown:
                have = ", ".join(map(str, self.variables))
                raise InputError(
                    f"{shown(expr)} holds {', '.join(unknown)}, but the variables are {have}; name all of them."
                )

    def _output(self, parts: Parts, bias: Any) -> Node:
        factors = (self._subnode(parts, bias),)
        return Node(self.graph.level(factors), factors)

    def _lone_product(self, parts: Parts) -> int | None:
        """The product that is all of an output but for an affine, where it is one."""
        if len(parts) != 1:
            return None
        (part,) = parts
        return self._product(part) if part.is_Mul else None

    def _split(self, expr: Any) -> tuple[Parts, Any]:
        """A sum as its parts with their coefficients, and the number among them; nested scales are multiplied out."""
        parts: Parts = {}
        bias: Any = self.sympy.Integer(0)
        waiting: list[tuple[Any, Any]] = [(self.sympy.Integer(1), expr)]
        while waiting:
            scale, part = waiting.pop()
            if not part.free_symbols:
                real(part, expr)
                bias += scale * part
            elif part.is_Add:
                waiting += [(scale, u) for u in reversed(part.args)]
            elif part.is_Mul:
                numbers = [u for u in part.args if not u.free_symbols]
                others = [u for u in part.args if u.free_symbols]
                if numbers:
                    real(self.sympy.Mul(*numbers), part)
                    scale *= self.sympy.Mul(*numbers)
                    waiting.append((scale, self.sympy.Mul(*others)))
                else:
                    parts[part] = parts.get(part, 0) + scale
            elif edge(self.sympy, part) is None:
                made = made_of(self.sympy, part)
                if made is None:
                    raise InputError(
                        f"the term {shown(part)} cannot be compiled: {part.func.__name__} is none of the functions that"
                        " an edge can be; write it in elementary functions, or fit a KAN to it."
                    )
                waiting.append((scale, made))
            else:
                parts[part] = parts.get(part, 0) + scale
        for part, c in list(parts.items()):
            found = None if part.is_Mul or bias == 0 or c != -bias else edge(self.sympy, part)
            if found is not None and found[0] == "exp":
                # Near u = 0 the difference of exp(u) and 1 would have lost its digits.
                parts[self.sympy.Function(EXPM1)(found[1])], bias = parts.pop(part), self.sympy.Integer(0)
        return {part: c for part, c in parts.items() if c != 0}, bias

    def _subnode(self, parts: Parts, bias: Any) -> Subnode:
        """A sum of edges. One node can lead to a sum by one edge only: its further functions become nodes first."""
        terms: dict[int, tuple[Term, Any]] = {}
        # Identities go first, as the value itself must be carried to where its functions are added to it.
        for part in sorted(parts, key=lambda part: not (part.is_Symbol or part.is_Mul)):
            term = self._term(part, parts[part])
            if not isinstance(term, Term):
                bias += term
                continue
            while term.source in terms:
                if term.function == "x":
                    other, part_of_other = terms[term.source]
                    terms[term.source] = term, part
                    term, part = other, part_of_other
                term = Term(self._sum({part: self.sympy.Integer(1)}), "x", 1, 0, term.c)
            terms[term.source] = term, part
        return Subnode(tuple(term for term, _ in terms.values()), bias)

    def _term(self, part: Any, c: Any) -> Term | Any:
        """The edge c f(a v + b) that a part is; or its value, where its argument turns out to be a number."""
        if part.is_Mul:
            return Term(self._product(part), "x", 1, 0, c)
        found = edge(self.sympy, part)
        assert found is not None
        function, argument = found
        if part.is_Symbol:
            return Term(self.known[part], "x", 1, 0, c)
        parts, bias = self._split(argument)
        if not parts:
            return c * function_named(function).sympy(bias)
        scale = next(iter(parts.values()))
        if len(parts) > 1 and not all((other / scale).is_Integer for other in parts.values()):
            # Dividing would round; only the sign is taken out, so that u and -u are one node.
            scale = self.sympy.Integer(-1 if real(scale) < 0 else 1)
        return Term(self._sum({u: other / scale for u, other in parts.items()}), function, scale, bias, c)

    def _sum(self, parts: Parts) -> int:
        """The node of a sum without a constant; of a lone variable or product, the node that it is already."""
        if len(parts) == 1:
            ((part, c),) = parts.items()
            if c == 1 and part.is_Symbol:
                return self.known[part]
            if c == 1 and part.is_Mul:
                return self._product(part)
        key = frozenset(parts.items())
        if key not in self.known:
            self.known[key] = self._add((self._subnode(parts, self.sympy.Integer(0)),))
        return self.known[key]

    def _product(self, part: Any) -> int:
        if part not in self.known:
            self.known[part] = self._add(tuple(self._subnode(*self._split(factor)) for factor in part.args))
        return self.known[part]

    def _add(self, factors: tuple[Subnode, ...]) -> int:
        self.graph.nodes.append(Node(self.graph.level(factors), factors))
        return len(self.graph.nodes) - 1


def _scaled(factors: tuple[Subnode, ...], c: Any) -> tuple[Subnode, ...]:
    """A product, c times: the scale goes to the simplest of its factors."""
    place = min(range(len(factors)), key=lambda n: (len(factors[n].terms), factors[n].bias != 0))
    return tuple(factor.times(c) if n == place else factor for n, factor in enumerate(factors))
