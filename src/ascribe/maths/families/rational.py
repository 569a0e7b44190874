r"""Rational functions without poles: what Floater and Hormann interpolate with, of degree `order`, on even nodes.

$$r_m(t) = \frac{w_m / (t - t_m)}{\sum_j w_j / (t - t_j)}, \qquad
w_m = (-1)^m \sum_{i=\max(m-d,0)}^{\min(m,\,n-d)} \binom{d}{m-i}$$

for the nodes $t_0, \dots, t_n$. A coefficient is the value at its node, the denominator is the same for all edges and
has no zero on the real line, and polynomials up to degree d are among the functions.

Both sides are multiplied by $\prod_j 2 (t - t_j)$: nothing is divided by 0 at a node, and nothing over- or underflows
(the factor 2 makes the capacity of [-1, 1] one). Derivatives are the quotient of two Taylor series at t.

Source: Floater & Hormann (2007), Barycentric rational interpolation with no poles and high rates of approximation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.maths.closed_form import number, polynomial
from ascribe.maths.families.family import Family

# Products of more factors leave the range of float32, and of float64.
_SINGLE, _MOST = 100, 1000
# Of more functions, powers of t would cancel each other.
_POWERS = 16

Series = list[Tensor]  # Taylor coefficients


def derivatives(
    t: Float[Tensor, "inputs n"], count: int, order: int, highest: int
) -> list[Float[Tensor, "inputs count n"]]:
    """Price: O(count highest^2) operations on (inputs, n).  Raises InputError for more than 1,000 functions."""
    if count > _MOST:
        raise InputError(
            f"{count} rational functions an edge cannot be computed; pass a grid below {_MOST - order} cells."
        )
    exact = t.double() if count > _SINGLE else t
    nodes = [2 * m / max(1, count - 1) - 1 for m in range(count)]
    nothing = exact * 0
    one = [nothing + 1, *[nothing] * highest]
    left, right = [one], [one]
    for node, opposite in zip(nodes[:-1], nodes[:0:-1], strict=True):
        left.append(_times(left[-1], exact - node))
        right.append(_times(right[-1], exact - opposite))
    above = [
        torch.stack(
            [w * _product(a, b, d) for w, a, b in zip(_weights(count, order), left, right[::-1], strict=True)], 1
        )
        for d in range(highest + 1)
    ]
    below = [level.sum(1, keepdim=True) for level in above]
    found: Series = []
    for d in range(highest + 1):
        rest = above[d]
        for e in range(d):
            rest = rest - found[e] * below[d - e]
        found.append(rest / below[0])
    return [(f * math.factorial(d)).to(t.dtype) for d, f in enumerate(found)]


def _weights(count: int, order: int) -> list[float]:
    last, degree = count - 1, min(order, count - 1)
    return [
        (-1) ** m
        * sum(math.comb(degree, m - i) for i in range(max(m - degree, 0), min(m, last - degree) + 1))
        / 2**degree
        for m in range(count)
    ]


def _times(series: Series, offset: Tensor) -> Series:
    """The series times twice the offset, which grows by the step itself."""
    return [2 * (c * offset + series[d - 1] if d else c * offset) for d, c in enumerate(series)]


def _product(a: Series, b: Series, degree: int) -> Tensor:
    """One coefficient of the product of two series."""
    total = a[0] * b[degree]
    for e in range(1, degree + 1):
        total = total + a[e] * b[degree - e]
    return total


def formula(t: Any, coefficients: Sequence[float | int], order: int) -> Any:
    """The quotient of two polynomials; of more than 16 functions they are sums of products, as they are computed."""
    count = len(coefficients)
    weights = _weights(count, order)
    nodes = [Fraction(2 * m, max(1, count - 1)) - 1 for m in range(count)]
    if count > _POWERS:
        sympy = need("sympy", extra="pykan")
        offsets = [2 * t - number(float(2 * node)) for node in nodes]
        products = [sympy.Mul(*offsets[:m], *offsets[m + 1 :]) for m in range(count)]
        below = sympy.Add(*(number(w) * p for w, p in zip(weights, products, strict=True)))
        above = sympy.Add(*(number(w * c) * p for w, c, p in zip(weights, coefficients, products, strict=True)))
        return above / below
    products = [_expanded(nodes[:m] + nodes[m + 1 :]) for m in range(count)]
    shares = [Fraction(w) * Fraction(c) for w, c in zip(weights, coefficients, strict=True)]
    below = [sum(Fraction(w) * p[d] for w, p in zip(weights, products, strict=True)) for d in range(count)]
    above = [sum(share * p[d] for share, p in zip(shares, products, strict=True)) for d in range(count)]
    return polynomial(t, [float(a / below[0]) for a in above]) / polynomial(t, [float(b / below[0]) for b in below])


def _expanded(nodes: Sequence[Fraction]) -> list[Fraction]:
    """The powers in the product of t minus each node."""
    powers = [Fraction(1)]
    for node in nodes:
        powers = [a - node * b for a, b in zip([Fraction(0), *powers], [*powers, Fraction(0)], strict=True)]
    return powers


RATIONAL = Family("rational", derivatives, formula, unity=True)
