"""The formula of a fast symbolic network, its constants gathered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import need
from ascribe.kan.symbolic.discovery.batch import Batch
from ascribe.kan.symbolic.discovery.descent import descended
from ascribe.kan.symbolic.discovery.families import FAMILIES, NUMBER
from ascribe.kan.symbolic.exact import with_exact_numbers
from ascribe.kan.symbolic.gather import without_one

_POWERS = (NUMBER["even power"], NUMBER["odd power"])
# Exponents this near to a sixth are one; numbers this small are none.
_NEAR, _NEAR_IN_NOISE, _NONE = 1e-4, 0.04, 1e-9
# Squared error, relative to the variance, that lets numbers show.
_SHOWS = 1e-12


def read(
    batch: Batch,
    x: Float[Tensor, "variables n"],
    y: Float[Tensor, " n"],
    size: Sequence[float],
    spread: float,
    symbols: Sequence[Any],
) -> Iterator[Any]:
    """The formula of the one network, fitted to x / size and y / spread, exponents and numbers exact where near.

    Where that does not fit to rounding, once more with exponents exact that noise may have moved.
    """
    scaled = torch.tensor(size, dtype=x.dtype)[:, None]
    named = [symbol / s for symbol, s in zip(symbols, size, strict=True)]
    for near in (_NEAR, _NEAR_IN_NOISE):
        exact, error = descended(_with_exact_powers(batch, near), x / scaled, y / spread, 40)
        formula = spread * _formula(exact, named)
        if float(error) < _SHOWS:
            yield with_exact_numbers(formula)
            return
        yield formula


def _with_exact_powers(batch: Batch, distance: float) -> Batch:
    powers = torch.isin(batch.family, torch.tensor(_POWERS)) & batch.free[..., 4]
    near = torch.round(6 * batch.affine[..., 4]) / 6
    taken = powers & ((batch.affine[..., 4] - near).abs() < distance)
    affine, free = batch.affine.clone(), batch.free.clone()
    affine[..., 4] = torch.where(taken, near, affine[..., 4])
    free[..., 4] &= ~taken
    return Batch(batch.shape, batch.family, affine, free, batch.output)


def _formula(batch: Batch, inputs: Sequence[Any]) -> Any:
    nodes, first = list(inputs), 0
    for layer in batch.shape:
        subnodes: list[Any] = [0] * (1 + max(layer.subnode))
        for e, (source, subnode) in enumerate(zip(layer.source, layer.subnode, strict=True), start=first):
            numbers = batch.affine[0, e].tolist()
            subnodes[subnode] += _edge(int(batch.family[0, e]), numbers, nodes[source])
        first += len(layer.source)
        nodes = [_times([subnodes[s] for s in node]) for node in layer.nodes]
    scale, bias = batch.output[0].tolist()
    return scale * nodes[0] + (bias if abs(bias) > _NONE * abs(scale) else 0)


def _times(factors: Sequence[Any]) -> Any:
    return need("sympy", extra="pykan").Mul(*factors)


def _edge(family: int, numbers: Sequence[float], inner: Any) -> Any:
    sympy = need("sympy", extra="pykan")
    a, b, c, d, p = (0.0 if abs(number) < _NONE else number for number in numbers)
    exponent = sympy.nsimplify(round(6 * p)) / 6 if abs(round(6 * p) / 6 - p) < 1e-15 else p
    if not c:
        return d
    u = a * inner + b
    if family in _POWERS or FAMILIES[family].name == "log":
        scale, u = _without_scale(u)
        if family in _POWERS:
            return c * scale**p * FAMILIES[family].sympy(u, exponent) + d
        return c * (sympy.log(scale) + sympy.log(u)) + d
    return c * FAMILIES[family].sympy(u, exponent) + d


def _without_scale(u: Any) -> tuple[Any, Any]:
    """A positive number and what it multiplies, where that begins with a plain term or its opposite."""
    sympy = need("sympy", extra="pykan")
    terms = sympy.Add.make_args(sympy.expand_mul(u))
    scale = abs(terms[0].as_coeff_Mul()[0])
    if not scale:
        return sympy.Integer(1), u
    return scale, sympy.Add(*(without_one(term / scale) for term in terms))
