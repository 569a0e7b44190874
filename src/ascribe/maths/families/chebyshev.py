r"""Chebyshev polynomials $T_m(t) = \cos(m \arccos t)$, by $T_m = 2 t\, T_{m-1} - T_{m-2}$.

Differentiated d times, the recursion is $T_m^{(d)} = 2 t\, T_{m-1}^{(d)} + 2 d\, T_{m-1}^{(d-1)} - T_{m-2}^{(d)}$. The
order only adds to their number: the last of them is of degree count - 1.

Source: Mason & Handscomb (2002), Chebyshev Polynomials.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.closed_form import polynomial
from ascribe.maths.families.family import Family

# The degree from which powers of t alone would cancel each other: they cost a digit every third degree.
_POWERS = 10


def derivatives(
    t: Float[Tensor, "inputs n"], count: int, order: int, highest: int
) -> list[Float[Tensor, "inputs count n"]]:
    """Price: O(count highest) operations on (inputs, n)."""
    nothing = t * 0
    before, now = [nothing] * (highest + 1), [nothing + 1, *[nothing] * highest]
    columns = [now]
    for m in range(1, count):
        times = 1 if m == 1 else 2
        after = [times * t * now[0] - before[0]]
        after += [times * (t * now[d] + d * now[d - 1]) - before[d] for d in range(1, highest + 1)]
        columns.append(after)
        before, now = now, after
    return [torch.stack(level, 1) for level in zip(*columns, strict=True)]


def formula(t: Any, coefficients: Sequence[float | int], order: int) -> Any:
    r"""A polynomial in t; of degree 10 or more, one in t and $s = T_{10}(t)$.

    Those are $T_{10k+b} = 2\,T_k(s)\,T_b(t) - T_{10k-b}(t)$.
    """
    # Loaded here: edges that no formula is asked of can do without.
    from numpy.polynomial.chebyshev import cheb2poly

    left = list(coefficients)
    for m in reversed(range(_POWERS, len(left))):
        if b := m % _POWERS:
            left[m - 2 * b] -= left[m]
            left[m] *= 2
    parts = [polynomial(t, cheb2poly(left[m : m + _POWERS]).tolist()) for m in range(0, len(left), _POWERS)]
    s = polynomial(t, cheb2poly([0] * _POWERS + [1]).tolist())
    return sum((formula(s, [0] * k + [1], order) * part for k, part in enumerate(parts[1:], start=1)), start=parts[0])


CHEBYSHEV = Family("chebyshev", derivatives, formula, nested=True)
