r"""Quotients of two sums in noise: $y = g\bigl(\sum_i c_i \phi_i(x) / (1 + \sum_j d_j \psi_j(x))\bigr)$.

The equation $z (1 + d\psi) = \sum c\,\phi$ is linear, so all of one term below the bar and one or two above are
compared by a Gram matrix. But it has the noise of z on both sides: the best are fitted to z itself, and grow from
there. The next term, above or below, is one with a large score: what is left has much of its slope.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.columns import Column, library_of, products
from ascribe.kan.symbolic.discovery.fraction import Fraction, Key, fitted
from ascribe.kan.symbolic.discovery.inverses import inner_values
from ascribe.kan.symbolic.discovery.smooth import smoothed
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.snap import snap

# Simple products that may stand in a quotient, and those of them that are the first of two above the bar.
_COLUMNS, _FIRST = 400, 100
# Terms of a quotient, choices of every size, and those of them that are given.
_SIZE, _CHOICES, _SHOWN = 5, 30, 3
# Share of a column beyond others that is rounding.
_FREE = 1e-7


class _Longer(NamedTuple):
    left: float
    key: Key
    start: Tensor


def quotients(branch: Branch) -> Iterator[Any]:
    """Formulas of h, for every outer function and size the best, while larger ones explain more than chance does."""
    columns = products(
        [library_of(values, symbol) for values, symbol in zip(branch.inputs, branch.symbols, strict=True)], _COLUMNS
    )
    every = torch.stack([column.values for column in columns])
    size = every.square().mean(1).sqrt()
    every = every / size[:, None]
    for inner in inner_values(branch.target, branch.noise_of_target, reciprocals=False):
        if branch.late:
            return
        z, weight = inner.values, branch.in_y(inner.slope)
        for made in _grown(every, z, weight, smoothed(branch.inputs, z, weight)):
            quotient = _written(made, columns, size)
            yield inner.outer(quotient)
            if not _real(inner.outer(quotient), branch):
                # A cosine of 1.0001 is one of 1 where the noise allows it.
                try:
                    yield inner.outer(snap(quotient, branch.symbols, branch.inputs.T, z).expression)
                except InputError:
                    continue


def _real(formula: Any, branch: Branch) -> bool:
    columns = {symbol.name: values for symbol, values in zip(branch.symbols, branch.inputs, strict=True)}
    return bool(evaluate(formula, columns).isfinite().all())


def _written(made: Fraction, columns: list[Column], size: Tensor) -> Any:
    """Without negative powers in the sums."""
    sympy = need("sympy", extra="pykan")
    above, below = made.key
    numbers = (made.numbers / size[[*above, *below]]).tolist()
    terms = [number * columns[c].expression for number, c in zip(numbers, (*above, *below), strict=True)]
    upper, lower = sympy.Add(*terms[: len(above)]), 1 + sympy.Add(*terms[len(above) :])
    return sympy.together(upper) / sympy.together(lower)


def _grown(
    columns: Float[Tensor, "columns n"],
    z: Float[Tensor, " n"],
    weight: Float[Tensor, " n"],
    smooth: Float[Tensor, " n"],
) -> Iterator[Fraction]:
    """The best of every size."""
    starts = started(columns, z, weight, smooth)
    # Of so many columns, above and below, one explains this share of noise by chance.
    chance = 2 * math.log(2 * len(columns)) / len(z)
    choices, before = list[Fraction](), math.inf
    for size in range(2, _SIZE + 1):
        made = [fitted(columns, z, weight, key) for key in starts.get(size, ())]
        made += [fitted(columns, z, weight, key, start) for _, key, start in _longer(columns, z, weight, choices)]
        choices = _different([one for one in made if one is not None])[:_CHOICES]
        # With few terms all may have poles.
        if choices and before < choices[0].left * (1 + chance):
            return
        before = choices[0].left if choices else math.inf
        yield from choices[:_SHOWN]


def started(
    columns: Float[Tensor, "columns n"],
    z: Float[Tensor, " n"],
    weight: Float[Tensor, " n"],
    smooth: Float[Tensor, " n"],
) -> dict[int, list[Key]]:
    """The best of one term below, and one (2) or two (3) above, in the linear equation; `smooth` is z on its left.

    For every term below, what of the columns and of z lies beyond it: the correlations r of those columns, and u with
    z, say what a pair explains, (u_i^2 + u_j^2 - 2 r_ij u_i u_j) / (1 - r_ij^2).
    """
    weighted, target = columns * weight, z * weight
    lower = weighted * smooth
    gram, by_target = weighted @ weighted.T, weighted @ target
    cross, along, norm = lower @ weighted.T, lower @ target, lower.square().sum(1)
    found: dict[int, list[tuple[float, Key]]] = {2: [], 3: []}
    # The constant stands below anyway.
    for c in range(1, len(columns)):
        share, part = float(along[c] ** 2 / norm[c]), cross[c] / norm[c]
        free = gram.diagonal() - part * cross[c]
        scale = torch.where(free > _FREE * gram.diagonal(), free.rsqrt(), 0.0)
        u = (by_target - part * along[c]) * scale
        first = u.square().topk(min(_FIRST, len(u))).indices
        found[2].append((share + float(u[first[0]] ** 2), ((int(first[0]),), (c,))))
        r = torch.addr(gram[first], part[first], cross[c], alpha=-1.0) * scale[first, None] * scale
        apart = 1 - r * r
        apart = torch.where(apart > _FREE, apart, torch.inf)
        v = u[first, None]
        gain, place = ((v * v + u * u - 2 * v * r * u) / apart).flatten().max(0)
        i, j = divmod(int(place), len(u))
        low, high = sorted((int(first[i]), j))
        found[3].append((share + float(gain), ((low, high), (c,))))
    return {size: [key for _, key in sorted(some, reverse=True)[: 2 * _CHOICES]] for size, some in found.items()}


def _longer(
    columns: Float[Tensor, "columns n"], z: Float[Tensor, " n"], weight: Float[Tensor, " n"], choices: list[Fraction]
) -> list[_Longer]:
    """Choices with one more term, of the highest scores."""
    larger: dict[Any, _Longer] = {}
    squares, zero = columns.square(), z.new_zeros(1)
    for made in choices:
        above, below = made.key
        directions = torch.linalg.qr(made.tangent.T).Q.T
        rest = (z - made.values) * weight
        for lower, slope in ((False, weight / made.under), (True, -weight * made.values / made.under)):
            length = squares @ slope.square()
            free = length - (columns @ (slope * directions).T).square().sum(1)
            free = torch.where(free > _FREE * length, free, torch.inf)
            scores, some = ((columns @ (slope * rest)).square() / free).topk(min(_CHOICES, len(columns)))
            for score, c in zip(scores.tolist(), some.tolist(), strict=True):
                if c in (below if lower else above) or (lower and c == 0):
                    continue
                place = len(made.numbers) if lower else len(above)
                start = torch.cat([made.numbers[:place], zero, made.numbers[place:]])
                key = (above, (*below, c)) if lower else ((*above, c), below)
                same = frozenset(key[0]), frozenset(key[1])
                if same not in larger or made.left - score < larger[same].left:
                    larger[same] = _Longer(made.left - score, key, start)
    return sorted(larger.values(), key=lambda longer: longer.left)[:_CHOICES]


def _different(made: list[Fraction]) -> list[Fraction]:
    """The best first; one of those that are the same function, such as with both sums times the same."""
    kept: list[Fraction] = []
    for one in sorted(made, key=lambda one: one.left):
        if not kept or one.left > kept[-1].left * (1 + 1e-7):
            kept.append(one)
    return kept
