"""From edges to expressions: what each node of a network is, in terms of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import mul
from typing import Any, Literal

from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.layer import KANLayer
from ascribe.kan.serve.cells import spline_cells
from ascribe.kan.structure import Network
from ascribe.kan.symbolic.library import function_named

_NAMED = 8  # edges that an error names


def compose(kan: Network, inputs: Sequence[Any], splines: Literal["error", "piecewise"] = "error") -> list[Any]:
    """One expression an output, where the inputs of the first layer are these.

    Edges that are not there leave nothing. Raises InputError where edges are splines, unless they may be piecewise
    polynomials, and where they are of another family.
    """
    if splines not in ("error", "piecewise"):
        raise InputError(f"splines={splines!r} is not known; pass 'error' or 'piecewise'.")
    if splines == "error":
        _require_symbolic(kan)
    values = list(inputs)
    for l, layer in enumerate(kan.layers):
        subnodes = [
            _affine(s, *pair)
            for s, *pair in zip(_sums(layer, values), *_of(kan.subnode_scale[l], kan.subnode_bias[l]), strict=True)
        ]
        sums = kan.width[l + 1][0]
        nodes, first = subnodes[:sums], sums
        for arity in kan.arity[l + 1]:
            nodes.append(reduce(mul, subnodes[first : first + arity]))
            first += arity
        values = [_affine(n, *pair) for n, *pair in zip(nodes, *_of(kan.node_scale[l], kan.node_bias[l]), strict=True)]
    return values


def number(value: float) -> Any:
    """A sympy number: an integer where the value is one, else the float with all its digits."""
    sympy = need("sympy", extra="pykan")
    return sympy.Integer(int(value)) if value == int(value) and abs(value) < 2**53 else sympy.Float(value)


def _require_symbolic(kan: Network) -> None:
    left = [(l, i, j) for l, layer in enumerate(kan.layers) for i, j in (layer.mask != 0).nonzero().tolist()]
    if left:
        more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
        raise InputError(
            f"{', '.join(map(str, left[:_NAMED]))}{more}: these edges (layer, input, subnode) are splines; call"
            " fix_symbolic or auto_symbolic, or pass splines='piecewise'."
        )


def _of(scale: Tensor, bias: Tensor) -> tuple[list[float], list[float]]:
    return scale.detach().double().tolist(), bias.detach().double().tolist()


def _affine(expression: Any, scale: float, bias: float) -> Any:
    return number(scale) * expression + number(bias)


def _sums(layer: KANLayer, values: Sequence[Any]) -> list[Any]:
    sympy = need("sympy", extra="pykan")
    terms: list[list[Any]] = [[] for _ in range(layer.out_dim)]
    edges = layer.symbolic
    if edges.affine is not None:
        affine = edges.affine.detach().double().tolist()
        for name, i, j, (a, b, c, d) in zip(
            edges.names, edges.source.tolist(), edges.subnode.tolist(), affine, strict=True
        ):
            terms[j].append(_affine(function_named(name).sympy(_affine(values[i], a, b)), c, d))
    for i, j in (layer.mask != 0).nonzero().tolist():
        terms[j].append(_spline(layer, i, j, values[i]))
    return [sympy.Add(*each) for each in terms]


def _spline(layer: KANLayer, i: int, j: int, value: Any) -> Any:
    """A spline edge as one polynomial a cell, and its base function."""
    sympy = need("sympy", extra="pykan")
    if layer.family != "bspline":
        raise InputError(
            f"edges of the family {layer.family!r} are no piecewise polynomials; fix them with fix_symbolic."
        )
    cells, powers = spline_cells(layer.basis)
    mask = float(layer.mask[i, j])
    scale = mask * float(layer.scale_sp[i, j].detach())
    coef = layer.coef[i, j].detach().double()
    by_power = [(scale * (coef @ power[i])).tolist() for power in powers]
    starts, inverses, breaks = (part[i].tolist() for part in (cells.starts, cells.inverses, cells.breaks))
    pieces: list[Any] = []
    for cell, (start, inverse) in enumerate(zip(starts, inverses, strict=True)):
        u = number(inverse) * (value - number(start))
        outside = cell in (0, len(breaks))
        # Beyond the knots an edge is a straight line, or nothing.
        degree = (2 if layer.beyond == "linear" else 0) if outside else len(by_power)
        polynomial = reduce(
            lambda total, c, u=u: total * u + number(c), [p[cell] for p in reversed(by_power[:degree])], 0
        )
        here = sympy.StrictLessThan(value, number(breaks[cell]), evaluate=False) if cell < len(breaks) else True
        pieces.append((polynomial, here))
    # sympy would fold piecewise arguments into the conditions, piece by piece.
    return sympy.Piecewise(*pieces, evaluate=False) + _base(layer.base_fun, value) * number(
        mask * float(layer.scale_base[i, j].detach())
    )


def _base(name: str, value: Any) -> Any:
    sympy = need("sympy", extra="pykan")
    return {"silu": value / (1 + sympy.exp(-value)), "identity": value, "zero": sympy.Integer(0)}[name]
