"""From edges to expressions: what each node of a network is, in terms of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import mul
from typing import Any, Literal

import torch
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.layer import KANLayer
from ascribe.kan.structure import Network
from ascribe.kan.symbolic.library import function_named
from ascribe.maths.closed_form import number, piecewise

_NAMED = 8  # edges that an error names


def compose(kan: Network, inputs: Sequence[Any], splines: Literal["error", "piecewise"] = "error") -> list[Any]:
    """One expression an output, where the inputs of the first layer are these.

    Edges that are not there leave nothing. Raises InputError where edges are splines, unless they may be piecewise
    polynomials.
    """
    if splines not in ("error", "piecewise"):
        raise InputError(f"splines={splines!r} is not known; pass 'error' or 'piecewise'.")
    if splines == "error":
        _require_no_splines(kan)
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


def _require_no_splines(kan: Network) -> None:
    splined = [(l, layer) for l, layer in enumerate(kan.layers) if layer.family == "bspline"]
    left = [(l, i, j) for l, layer in splined for i, j in (layer.mask != 0).nonzero().tolist()]
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
    for i, j in layer.present.nonzero().tolist():
        terms[j].append(edge(layer, i, j, values[i]))
    return [sympy.Add(*each) for each in terms]


def edge(layer: KANLayer, i: int, j: int, value: Any) -> Any:
    """The edge from input i to subnode j, where its input is this: its function, its curve, the sum of both, or 0."""
    total = number(0)
    at = layer.symbolic.at(i, j)
    if at is not None and layer.symbolic.affine is not None:
        a, b, c, d = layer.symbolic.affine[at].detach().double().tolist()
        total += _affine(function_named(layer.symbolic.names[at]).sympy(_affine(value, a, b)), c, d)
    return total + _numeric(layer, i, j, value) if bool(layer.mask[i, j] != 0) else total


def _numeric(layer: KANLayer, i: int, j: int, value: Any) -> Any:
    """The closed form of a numeric edge, and its base function."""
    sympy = need("sympy", extra="pykan")
    with torch.no_grad():
        scale_base, scale = (
            layer.mask[i, j].double() * part[i, j].double() for part in (layer.scale_base, layer.scale_sp)
        )
        curve = layer.edge.formula(value, layer.grid[i], scale * layer.coef[i, j].double())
    if layer.extrapolate == "error" and curve.is_Piecewise:
        (_, below), *inside, _ = (pair.args for pair in curve.args)
        curve = piecewise([(sympy.nan, below), *inside])
    return curve + number(float(scale_base)) * _BASES[layer.base_fun](value)


def _silu(value: Any) -> Any:
    return value / (1 + need("sympy", extra="pykan").exp(-value))


_BASES: dict[str, Callable[[Any], Any]] = {"silu": _silu, "identity": lambda value: value, "zero": lambda value: 0}
