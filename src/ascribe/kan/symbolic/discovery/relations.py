r"""Implicit relations: $\sum_i c_i \phi_i(x) + z \sum_j c'_j \phi_j(x) = 0$ with z = y, y^2, cos y, ..., so
$z = -\sum c\,\phi / \sum c'\,\phi$: quotients, and roots of them.

Columns are added simplest first. Without noise the first one that depends on those before it, to rounding, shows the
simplest relation; its coefficients are unique. One orthogonalisation a family of columns, no search.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import need
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.columns import Column, exponential, one, powers, products, roots, waves
from ascribe.kan.symbolic.discovery.inverses import Inner, transcendental
from ascribe.kan.symbolic.exact import with_exact_numbers

# What a dependent column leaves, of length 1; and coefficients that are none.
_DEPENDENT, _NONE = 1e-11, 1e-7
# Columns of a family, and terms of a relation: with more, quotients of polynomials come near any smooth function.
_COLUMNS, _TERMS = 215, 8


class _Member(NamedTuple):
    price: float
    times_z: bool
    column: Column


def relations(branch: Branch, deep: bool = False, pair: bool = False) -> Iterator[Any]:
    """Formulas of h that the relations found give; none where the data has noise.

    First the families that see at most one variable as something else than powers; `deep` takes the others.
    With a `pair`, the last variable is made of two others, and of use as something else than powers only.
    """
    x, y = branch.inputs, branch.target
    seen = y.abs() > 1e-6 * y.abs().amax()
    x, y = x[:, seen], y[seen]
    for columns in _families(x, branch.symbols, deep, pair):
        if branch.late:
            return
        for inner in (Inner(y, lambda e: e, torch.ones_like(y)), *transcendental(y)):
            found = _relation(columns, inner.values)
            if found is not None:
                yield inner.outer(found[0] / found[1])
        squared = _relation(columns, y * y)
        if squared is not None:
            yield from _roots(*squared)


def _families(
    x: Float[Tensor, "variables n"], symbols: Sequence[Any], deep: bool, pair: bool
) -> Iterator[list[Column]]:
    """Products of low powers; of higher ones; of other functions in some of the variables."""
    kinds = [_kinds(values, symbol) for values, symbol in zip(x, symbols, strict=True)]
    for chosen in _choices([len(kind) for kind in kinds]):
        if (_others(chosen) > 1) != deep or (pair and not chosen[-1]):
            continue
        if len(x) > 3 and _others(chosen) > 2 and max(chosen) > 2:
            continue
        yield products([kind[c] for kind, c in zip(kinds, chosen, strict=True)], _COLUMNS)
        if _others(chosen) == 0:
            higher = [[one(v), *powers(v, symbol, 6)] for v, symbol in zip(x, symbols, strict=True)]
            yield products(higher, _COLUMNS if len(x) > 2 else 28)


def _choices(kinds: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """A kind for every variable, those first where few have another than powers; of many variables three at most."""
    n = len(kinds)
    for others in range(min(n, 3) + 1):
        some: list[tuple[int, ...]] = []
        for where in itertools.combinations(range(n), others):
            for kind in itertools.product(*(range(1, kinds[i]) for i in where)):
                numbers = dict(zip(where, kind, strict=True))
                some.append(tuple(numbers.get(i, 0) for i in range(n)))
        yield from sorted(some, key=lambda chosen: (sum(chosen), chosen))


def _others(chosen: tuple[int, ...]) -> int:
    return sum(c > 0 for c in chosen)


def _kinds(values: Float[Tensor, " n"], symbol: Any) -> list[list[Column]]:
    """What products may see of one variable: low powers, waves, both, exponentials, roots."""
    low, wavy = powers(values, symbol, 2), waves(values, symbol)
    found = [[one(values), *low], [one(values), *wavy], [one(values), *low, *wavy]]
    if float(values.amax()) < 30:
        found.append([one(values), exponential(values, symbol)])
    if bool((values > 0).all()):
        found.append([one(values), *roots(values, symbol)])
    return found


def _relation(columns: list[Column], z: Float[Tensor, " n"]) -> tuple[Any, Any] | None:
    """Numerator and denominator of z."""
    members = [_Member(column.cost, False, column) for column in columns]
    members += [_Member(column.cost + 0.5, True, column) for column in columns]
    members.sort(key=lambda member: member.price)
    values = torch.stack([m.column.values * z if m.times_z else m.column.values for m in members])
    # On its diagonal stands what of each column lies beyond those before it.
    rows = max(2 * len(values), 200)
    some = values[:, :rows] / values[:, :rows].norm(dim=1, keepdim=True)
    beyond = torch.linalg.qr(some.T, mode="r").R.diagonal().abs()
    dependent = (beyond < _DEPENDENT).nonzero()[:, 0].tolist()
    if not dependent or len(beyond) < len(values):
        return None
    last = dependent[0]
    return _solved(members[: last + 1], values[: last + 1])


def _solved(members: list[_Member], values: Float[Tensor, "members n"]) -> tuple[Any, Any] | None:
    """The relation between the last member and those before, without the coefficients that are rounding."""
    scale = values.norm(dim=1)
    values = values / scale[:, None]
    active = list(range(len(members) - 1))
    while True:
        if not active:
            return None
        weights = torch.linalg.lstsq(values[active].T, values[-1][:, None], driver="gelsd").solution[:, 0]
        counts = weights.abs() > _NONE * max(1.0, float(weights.abs().amax()))
        if bool(counts.all()):
            break
        active = [a for a, c in zip(active, counts.tolist(), strict=True) if c]
    left = values[-1] - weights @ values[active]
    if float(left.norm()) > 100 * _DEPENDENT or len(active) >= _TERMS:
        return None
    active.append(len(members) - 1)
    numbers = torch.cat([weights, weights.new_tensor([-1.0])]) / scale[active]
    numbers = (numbers / numbers[numbers.abs().argmax()]).tolist()
    chosen = [(number, members[a]) for number, a in zip(numbers, active, strict=True)]
    above = [-number * m.column.expression for number, m in chosen if not m.times_z]
    below = [number * m.column.expression for number, m in chosen if m.times_z]
    if not above or not below:
        return None
    numerator, denominator = with_exact_numbers(sum(above)), with_exact_numbers(sum(below))
    return (-numerator, -denominator) if denominator.could_extract_minus_sign() else (numerator, denominator)


def _roots(numerator: Any, denominator: Any) -> Iterator[Any]:
    """Both square roots of a quotient; what stands squared in it leaves the root with its sign."""
    sympy = need("sympy", extra="pykan")
    outside, inside = sympy.Integer(1), sympy.Integer(1)
    if all(number.is_Rational for number in (numerator / denominator).atoms(sympy.Number, sympy.NumberSymbol)):
        for part, direction in ((numerator, 1), (denominator, -1)):
            constant, factors = sympy.factor_list(part)
            inside *= constant**direction
            for factor, power in factors:
                outside *= factor ** (direction * (power // 2))
                inside *= factor ** (direction * (power % 2))
    else:
        inside = numerator / denominator
    above, below = (sympy.expand(part) for part in sympy.fraction(inside))
    if above.could_extract_minus_sign():
        above, below = -above, sympy.expand(-below)
    for sign in (1, -1):
        yield sign * outside * sympy.sqrt(above) / sympy.sqrt(below)
        yield sign * outside * sympy.sqrt(above / below)
