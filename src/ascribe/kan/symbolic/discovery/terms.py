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

_COLUMNS = 1500
_SIZE, _CHOICES = 4, 30
# Choices of every size that are given, as noise may have put them in another order.
_SHOWN = 3
# Squared error, relative to the variance, that only rounding leaves.
EXACT = 1e-20
# And what lets numbers show.
_SHOWS = 1e-12
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
    for inner in inner_values(branch.target, branch.noise_of_target):
        if branch.late:
            return
        weight = branch.in_y(inner.slope)
        for choice in _grown(every, inner.values, weight):
            chosen = [columns[c] for c in choice.columns]
            formula, left = _fitted(chosen, inner.values, weight)
            yield _written(inner.outer(formula), left)
            if left < EXACT:
                return


def _written(formula: Any, left: float) -> Any:
    """With numbers made exact, where so little is left that they show."""
    return with_exact_numbers(formula) if left < _SHOWS else formula


def _fitted(chosen: list[Column], z: Float[Tensor, " n"], weight: Float[Tensor, " n"]) -> tuple[Any, float]:
    spread = _spread(z, weight)
    z = z * weight
    system = torch.stack([column.values * weight for column in chosen], 1)
    scale = system.norm(dim=0)
    weights = torch.linalg.lstsq(system / scale, z[:, None], driver="gelsd").solution[:, 0]
    rest = z - system @ (weights / scale)
    weights = torch.where(weights.abs() > _NONE * weights.abs().amax(), weights, 0.0) / scale
    formula = sum(w * column.expression for w, column in zip(weights.tolist(), chosen, strict=True))
    left = float(rest.square().sum()) / spread
    return _written(formula, left), left


def _spread(z: Float[Tensor, " n"], weight: Float[Tensor, " n"]) -> float:
    """What a constant leaves of z, squared, each row with its weight."""
    mean = (weight.square() @ z) / weight.square().sum()
    return float((weight * (z - mean)).square().sum())


def _grown(
    columns: Float[Tensor, "columns n"], z: Float[Tensor, " n"], weight: Float[Tensor, " n"]
) -> Iterator[_Choice]:
    """The best choices of every size, until one is exact."""
    spread = _spread(z, weight)
    columns, z = columns * weight, z * weight
    length = columns.square().sum(1)
    choices = [_Choice((), z.new_zeros(0, len(z)), z, 1.0)]
    for _ in range(_SIZE):
        larger: dict[tuple[int, ...], tuple[float, _Choice, int]] = {}
        for choice in choices:
            free = length - (columns @ choice.directions.T).square().sum(1)
            free = torch.where(free > 1e-9 * length, free, torch.inf)
            explained, some = ((columns @ choice.rest).square() / free).topk(min(_CHOICES, len(columns)))
            for share, c in zip(explained.tolist(), some.tolist(), strict=True):
                if c not in choice.columns:
                    larger.setdefault(tuple(sorted((*choice.columns, c))), (choice.left - share / spread, choice, c))
        best = sorted(larger.values(), key=lambda found: found[0])[:_CHOICES]
        choices = sorted((_with(choice, c, columns[c], spread) for _, choice, c in best), key=lambda made: made.left)
        if not choices:
            return
        yield from choices[:_SHOWN]
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
