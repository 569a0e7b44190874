"""The network of a graph: its layers, with every edge in its place."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, SupportsIndex, TypeVar

import torch
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.compile.graph import real
from ascribe.kan.compile.placement import Layer, place
from ascribe.kan.compile.reading import Reader
from ascribe.kan.compile.sharing import share
from ascribe.kan.grids import update_grid
from ascribe.kan.structure import Network
from ascribe.kan.symbolic.library import function_named
from ascribe.kan.symbolic.parse import parse

Net = TypeVar("Net", bound=Network)
Ranges = Any  # (low, high) for each variable: pairs, an array or a tensor

# Points of the box of `ranges` that the grids are laid over.
_POINTS = 1000


def compiled_as(
    kind: type[Net],
    variables: Any,
    expr: Any,
    grid: SupportsIndex = 5,
    k: SupportsIndex = 3,
    ranges: Ranges | None = None,
    dtype: torch.dtype | None = None,
    device: torch.types.Device = "cpu",
) -> Net:
    """A network of this kind that computes the expressions; see `ascribe.kan.compile.kanpiler`."""
    symbols = _symbols(variables)
    try:
        layers = place(share(Reader(symbols).read(_expressions(expr, symbols))))
    except RecursionError:
        raise InputError("the expression is nested too deeply to be read; compile its parts one by one.") from None
    net = kind(
        [layer.width for layer in layers],
        grid=grid,
        k=k,
        mult_arity=[layer.arity for layer in layers],
        dtype=dtype,
        device=device,
    )
    for l, (below, above) in enumerate(pairwise(layers)):
        net.layers[l].mask.zero_()
        _connect(net, l, below, above)
    net.names = [str(symbol) for symbol in symbols]
    if ranges is not None:
        _lay_grids(net, ranges)
    return net


def _symbols(variables: Any) -> list[Any]:
    sympy = need("sympy", extra="pykan")
    # A set has no order that columns could follow.
    one = isinstance(variables, str | set | frozenset) or not isinstance(variables, Iterable)
    given: list[Any] = [variables] if one else list(variables)
    symbols = [sympy.Symbol(v) if isinstance(v, str) else v for v in given]
    # Columns are known by their names, whatever sympy was told about the symbols.
    if (
        not symbols
        or not all(isinstance(v, sympy.Symbol) for v in symbols)
        or len({v.name for v in symbols}) < len(symbols)
    ):
        raise InputError(
            f"variables={variables!r} are no distinct symbols in an order; pass sympy.symbols('x y'), one a column."
        )
    return symbols


def _expressions(expr: Any, symbols: Sequence[Any]) -> list[Any]:
    sympy = need("sympy", extra="pykan")
    given = list(expr) if isinstance(expr, (list, tuple)) else [expr]
    named = {symbol.name: symbol for symbol in symbols}
    found = [
        parse(e, list(named)) if isinstance(e, str) else sympy.sympify(e) if isinstance(e, numbers.Real) else e
        for e in given
    ]
    if not found or not all(isinstance(e, sympy.Expr) for e in found):
        raise InputError(f"expr={expr!r} is no expression; pass one of sympy's, a text, or a list of them.")
    # A name stands for the variable of that name, with what sympy was told about that one.
    other = [{s: named[s.name] for s in e.free_symbols if named.get(s.name, s) != s} for e in found]
    return [e.xreplace(names) if names else e for e, names in zip(found, other, strict=True)]


def _connect(net: Network, l: int, below: Layer, above: Layer) -> None:
    """The edges of a layer, all at once. The constant of a sum is its first edge's d, to be trained as the edge is.

    Raises InputError for constants that the network's dtype does not hold.
    """
    like = net.layers[l].mask

    def held(number: Any, scale: bool) -> float:
        value, range_ = real(_number(number)), torch.finfo(like.dtype)
        if abs(value) > range_.max or (scale and 0 < abs(value) < range_.tiny):
            raise InputError(f"the constant {value:g} is beyond {like.dtype}; pass dtype=torch.float64.")
        return value

    edges: list[tuple[str, int, int, Tensor]] = []
    subnode = 0
    with torch.no_grad():
        for number, (_, node) in enumerate(above.nodes):
            for factor in node.factors:
                bias = held(factor.bias, False)
                for first, term in enumerate(factor.terms):
                    a, b, c = held(term.a, True), held(term.b, False), held(term.c, True)
                    affine = torch.tensor([a, b, c, 0.0 if first else bias], dtype=like.dtype, device=like.device)
                    edges.append((function_named(term.function).name, below.places[term.source], subnode, affine))
                if not factor.terms:
                    net.subnode_bias[l][subnode] = bias
                subnode += 1
            net.node_bias[l][number] = held(node.bias, False)
    net.layers[l].symbolic.hold(sorted(edges, key=lambda edge: edge[:3]))


def _number(value: Any) -> Any:
    return need("sympy", extra="pykan").sympify(value)


def _lay_grids(net: Network, ranges: Ranges) -> None:
    """Lay the grids over what the networks' nodes see on points of a box."""
    low, high = _box(ranges, net).unbind(1)
    engine = torch.quasirandom.SobolEngine(net.columns, scramble=True, seed=0)
    points = engine.draw(_POINTS, dtype=torch.float64).to(low)
    within = low + (high - low) * points
    with torch.no_grad():
        finite = all(bool(node.isfinite().all()) for node in net.activations(within).nodes)
    if not finite:
        raise InputError(
            f"ranges={ranges!r} holds points where a part of the formula is no finite number; pass ranges inside its"
            " domain."
        )
    update_grid(net, within)


def _box(ranges: Ranges, net: Network) -> Tensor:
    like = net.layers[0].mask
    try:
        box = torch.tensor([[float(low), float(high)] for low, high in ranges], dtype=like.dtype, device=like.device)
    except (TypeError, ValueError):
        box = like.new_zeros(0, 2)
    if len(box) != net.columns or not bool((box.isfinite().all(1) & (box[:, 0] < box[:, 1])).all()):
        raise InputError(f"ranges={ranges!r} is no box; pass (low, high) for each of the {net.columns} variables.")
    return box
