r"""Sums of few products under one outer function: $y = g(\sum_k c_k \prod_i f_{ki}(x_i))$.

The KAN of shape [n, [0, K], 1, 1], grown node by node: the products with the best evidence first, several choices kept
at every size, all coefficients refitted after each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.columns import Column, library_of, products
from ascribe.kan.symbolic.discovery.inverses import inner_values
from ascribe.kan.symbolic.exact import with_exact_numbers

_COLUMNS, _ROWS = 1500, 250
_SIZE, _CHOICES = 4, 30
# Squared error, relative to the variance, that only rounding leaves.
EXACT = 1e-20
# A coefficient, of columns of length 1, that is rounding.
_NONE = 1e-12


class _Choice(NamedTuple):
    columns: tuple[int, ...]
    directions: Float[Tensor, "size n"]  # orthonormal
    rest: Float[Tensor, " n"]
    left: float


def sums_of_products(branch: Branch) -> Iterator[Any]:
    """Formulas of h, for every outer function and size the best; the last is exact if one is."""
    columns = products(
        [library_of(values, symbol) for values, symbol in zip(branch.inputs, branch.symbols, strict=True)], _COLUMNS
    )
    every = torch.stack([column.values for column in columns])
    for inner in inner_values(branch.target):
        if branch.late:
            return
        if not bool(inner.values.isfinite().all()) or float(inner.values.var()) == 0:
            continue
        for choice in _grown(every[:, :_ROWS], inner.values[:_ROWS]):
            chosen = [columns[c] for c in choice.columns]
            formula, left = _fitted(chosen, inner.values)
            yield with_exact_numbers(inner.outer(formula))
            if left < EXACT:
                return


def _fitted(chosen: list[Column], z: Float[Tensor, " n"]) -> tuple[Any, float]:
    system = torch.stack([column.values for column in chosen], 1)
    scale = system.norm(dim=0)
    weights = torch.linalg.lstsq(system / scale, z[:, None], driver="gelsd").solution[:, 0]
    rest = z - system @ (weights / scale)
    weights = torch.where(weights.abs() > _NONE * weights.abs().amax(), weights, 0.0) / scale
    formula = sum(w * column.expression for w, column in zip(weights.tolist(), chosen, strict=True))
    return with_exact_numbers(formula), float(rest.square().mean() / z.var())


def _grown(columns: Float[Tensor, "columns n"], z: Float[Tensor, " n"]) -> Iterator[_Choice]:
    """The best choice of every size, until one is exact."""
    length = columns.square().sum(1)
    spread = float((z - z.mean()).square().sum())
    choices = [_Choice((), z.new_zeros(0, len(z)), z, 1.0)]
    for _ in range(_SIZE):
        larger: dict[tuple[int, ...], _Choice] = {}
        for choice in choices:
            free = length - (columns @ choice.directions.T).square().sum(1)
            free = torch.where(free > 1e-9 * length, free, torch.inf)
            evidence = (columns @ choice.rest).square() / free
            for c in evidence.topk(min(_CHOICES, len(evidence))).indices.tolist():
                name = tuple(sorted((*choice.columns, c)))
                if name not in larger and c not in choice.columns:
                    larger[name] = _with(choice, c, columns[c], spread)
        choices = sorted(larger.values(), key=lambda choice: choice.left)[:_CHOICES]
        if not choices:
            return
        yield choices[0]
        if choices[0].left < EXACT:
            return


def _with(choice: _Choice, c: int, column: Float[Tensor, " n"], spread: float) -> _Choice:
    direction = column
    for _ in range(2):
        direction = direction - choice.directions.T @ (choice.directions @ direction)
    direction = direction / direction.norm()
    rest = choice.rest - direction * (direction @ choice.rest)
    directions = torch.cat([choice.directions, direction[None]])
    return _Choice((*choice.columns, c), directions, rest, float(rest @ rest) / spread)
