"""A Piecewise in terms of functions that edges can be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ascribe.errors import InputError
from ascribe.kan.compile.graph import real, shown

# A step below this share of the values beside it is rounding: the pieces meet there.
_MEET = 1e-13


def made_of_pieces(sympy: Any, part: Any) -> Any:
    r"""$f_0(c_0(u)) + \sum_k f_k(c_k(u)) - f_k(t_k) + s_k\,[u > t_k]$, where the pieces are functions of u alone.

    $f_k$ is the piece from $t_k$ to $t_{k+1}$ and $c_k(u)$ is u, held between those ends: no piece is asked outside of
    its own cell, and nothing cancels. $s_k$ is the step from one piece to the next. Pieces that other variables stand
    in are added up as $f_0 + \sum_k [u > t_k] (f_k - f_{k-1})$; those have to be polynomials, as others may be no
    numbers outside of their cells.

    Raises InputError where conditions compare more than one expression with numbers, or pieces, where a single point
    has a value of its own, and where no condition holds.
    """
    if any(condition.has(sympy.Piecewise) for _, condition in part.args):
        raise InputError(
            "a formula in pieces of what comes in pieces itself, as that of several layers, is not compiled; give"
            " the formula of one layer, or save() and load() the network that it came from."
        )
    # sympy asks whether its symbols are real; the data are.
    conditions = [condition.replace(sympy.im, lambda _: 0) for _, condition in part.args]
    at = sympy.Dummy("u", real=True)
    u, compared = _compared(sympy, part, conditions, at)
    # Not a set, whose order is another in every run: numbers written in two ways may be the same.
    breaks = sorted(dict.fromkeys(point for _, point in compared.values()), key=float)
    cases = [
        (value.xreplace({u: at}), condition.xreplace({relation: new for relation, (new, _) in compared.items()}))
        for (value, _), condition in zip(part.args, conditions, strict=True)
    ]

    def piece(point: Any) -> Any:
        for value, condition in cases:
            holds = condition.xreplace({at: point})
            if holds not in (sympy.true, sympy.false):
                raise InputError(f"the term {shown(part)} cannot be compiled: {shown(condition)} compares no numbers.")
            if holds:
                return value
        raise InputError(
            f"the term {shown(part)} has no value where {shown(u)} is {shown(point)}; add a last piece, (value, True)."
        )

    if not breaks:
        return piece(sympy.Integer(0))
    inner = [(low + high) / 2 for low, high in pairwise(breaks)]
    # Beside a decimal of 1e17, 1 is nothing.
    below, above = breaks[0] - abs(breaks[0]) - 1, breaks[-1] + abs(breaks[-1]) + 1
    values = [piece(point) for point in (below, *inner, above)]
    steps = [
        _step(sympy, part, u - point, piece(point), *two)
        for point, two in zip(breaks, pairwise(values), strict=True)
    ]  # fmt: skip
    if all(value.free_symbols <= {at} for value in values):
        return sympy.Add(*_increments(sympy, part, u, at, breaks, values, steps))
    if not all(value.is_polynomial() for value in values):
        raise InputError(
            f"the term {shown(part)} cannot be compiled: its pieces are no polynomials, and functions of more than"
            f" {shown(u)}, which chooses between them; write them in that, or multiply them with Heaviside."
        )
    whole = [value.xreplace({at: u}) for value in values]
    return whole[0] + sympy.Add(*(step * (b - a) for step, (a, b) in zip(steps, pairwise(whole), strict=True)))


def _compared(sympy: Any, part: Any, conditions: list[Any], at: Any) -> tuple[Any, dict[Any, tuple[Any, Any]]]:
    """What all conditions compare with numbers; and each relation, written in `at` instead, with the number."""
    found: dict[Any, dict[Any, tuple[Any, Any]]] = {}
    for relation in _relations(conditions):
        summand, rest = (relation.lhs - relation.rhs).as_independent(*relation.free_symbols, as_Add=True)
        factor, u = rest.as_independent(*relation.free_symbols, as_Add=False)
        if u.could_extract_minus_sign():
            factor, u = -factor, -u
        point = -summand / factor
        real(point, part)
        same = relation if real(factor, part) > 0 else relation.reversedsign
        found.setdefault(u, {})[relation] = same.func(at, point), point
    if len(found) > 1:
        raise InputError(
            f"the term {shown(part)} cannot be compiled: its conditions compare {' and '.join(map(shown, found))};"
            " write it as a sum of terms that each compare one expression with numbers."
        )
    return next(iter(found.items()), (at, {}))


def _relations(conditions: list[Any]) -> Iterator[Any]:
    for condition in conditions:
        if condition.is_Relational:
            yield condition
        elif condition.is_Boolean:
            yield from _relations(list(condition.args))


def _step(sympy: Any, part: Any, above: Any, here: Any, left: Any, right: Any) -> Any:
    """1 where u is above a break, and at the break itself where that belongs to the right piece."""
    if here == (left + right) / 2:
        return sympy.Heaviside(above)
    if here not in (left, right):
        raise InputError(f"the term {shown(part)} has a value at {shown(above)} = 0 alone, which no edge can have.")
    return sympy.Heaviside(above, 1) if here == right else 1 - sympy.Heaviside(-above, 1)


def _increments(
    sympy: Any, part: Any, u: Any, at: Any, breaks: list[Any], values: list[Any], steps: list[Any]
) -> Iterator[Any]:
    """The first piece, and what each further one adds to those before it."""

    def beyond(v: Any) -> Any:
        # Unevaluated: what it compares may be long.
        return sympy.Max(0, v, evaluate=False)

    yield values[0].xreplace({at: breaks[0] - beyond(breaks[0] - u)})
    ends = [beyond(u - point) for point in breaks]
    for place, (point, step) in enumerate(zip(breaks, steps, strict=True)):
        before, after = (value.xreplace({at: point}) for value in values[place : place + 2])
        within = point + ends[place] - (ends[place + 1] if point is not breaks[-1] else 0)
        yield values[place + 1].xreplace({at: within}) - after
        if abs(real(after - before, part)) > _MEET * (abs(real(before, part)) + abs(real(after, part))):
            yield (after - before) * step
