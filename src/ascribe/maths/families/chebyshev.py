r"""Chebyshev polynomials $T_m(t) = \cos(m \arccos t)$, by $T_m = 2 t\, T_{m-1} - T_{m-2}$.

Differentiated d times, the recursion is $T_m^{(d)} = 2 t\, T_{m-1}^{(d)} + 2 d\, T_{m-1}^{(d-1)} - T_{m-2}^{(d)}$. The
order only adds to their number: the last of them is of degree count - 1.

Source: Mason & Handscomb (2002), Chebyshev Polynomials.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.families.family import Family


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


CHEBYSHEV = Family("chebyshev", derivatives, nested=True)
