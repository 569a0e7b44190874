r"""Is f a function of a sum over groups of variables: $F(g(x_A) + h(x_B) + \ldots)$?

Then the ratio of the slopes in a of A and b of B is a function of $x_A$ times one of $x_B$: the logarithms
$\ln|\partial_b f|$ and $\ln|\partial_a f|$ have the same mixed derivatives between the groups. A product is such a sum,
F being the exponential function; so is whatever is done with a sum afterwards.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ascribe.kan.hypotheses.check import Check
from ascribe.kan.hypotheses.jets import Function, Jet, jet, spreads, third_derivatives
from ascribe.kan.hypotheses.separability import Groups, median_rows, partition
from ascribe.kan.hypotheses.symmetry import STILL


def check_general_separability(
    f: Function, x: Shaped[Tensor, "n d"], groups: Groups, threshold: float | int = 1e-2
) -> Check:
    r"""Whether f is a function of a sum over these groups, as far as they go.

    The number is the largest $\mathrm{median}_x |\partial_i\partial_j \ln|\partial_b f / \partial_a f||\,s_i s_j$ over
    a, i of one group and b, j of another (or, for j, of no group).
    Price: the third derivatives of f.
    Raises InputError for variables that do not exist, or stand in two groups.

    >>> x = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    >>> f = lambda x: x[:, 0] ** 2 * (x[:, 1] ** 2 + x[:, 2] ** 2) ** 2
    >>> bool(check_general_separability(f, x, [[0], [1, 2]])), bool(check_general_separability(f, x, [[1], [0, 2]]))
    (True, False)
    """
    return general_separability(jet(f, x), third_derivatives(f, x), x, groups, threshold)


def general_separability(
    at: Jet, third: Float[Tensor, "n d d d"], x: Shaped[Tensor, "n d"], groups: Groups, threshold: float
) -> Check:
    """The same from derivatives at hand."""
    unit = spreads(x)
    at = at.scaled(unit)
    third = third * unit * unit[:, None] * unit[:, None, None]
    size = at.gradient.abs().amax(0)
    used = (size > STILL * size.max()).tolist()
    whole = partition(groups, x.shape[1])
    given = [[i for i in group if used[i]] for group in whole[: len(groups)]]
    label = [next(number for number, group in enumerate(whole) if i in group) for i in range(x.shape[1])]
    apart = torch.tensor(
        [[used[i] and used[j] and label[i] != label[j] for j in range(len(label))] for i in range(len(label))]
    )
    value, against = 0.0, ()
    for first, group in enumerate(given):
        for a in group:
            for b in (b for other in given[first + 1 :] for b in other):
                found = median_rows((_bend(at, third, b) - _bend(at, third, a)).abs()) * apart.to(third.device)
                if float(found.max()) > value:
                    place = int(found.argmax())
                    value, against = float(found.max()), (place // len(label), place % len(label))
    return Check(f"f is a function of a sum over {[list(g) for g in groups]}", value, threshold, against)


def _bend(at: Jet, third: Tensor, i: int) -> Float[Tensor, "n d d"]:
    """The second derivatives of the logarithm of the slope in variable i."""
    slope = at.gradient[:, i, None, None]
    row = at.hessian[:, i]
    return third[:, i] / slope - row[:, :, None] * row[:, None, :] / slope**2
