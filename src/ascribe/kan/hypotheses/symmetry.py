r"""Do some variables act through one number alone: $f(x) = F(h(x_S), x_{rest})$?

Exactly then the direction of the gradient in $x_S$ does not depend on the other variables. Derivatives are taken with
respect to variables in units of their standard deviations, so directions, and how fast they turn, have no unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.hypotheses.check import Check
from ascribe.kan.hypotheses.jets import Function, Jet, jacobian, jet, spreads
from ascribe.kan.hypotheses.separability import median_rows, partition

STILL = 1e-7
"""A slope below this share of the largest is rounding: it has no direction, and f does not depend on the variable."""


def check_symmetry(f: Function, x: Shaped[Tensor, "n d"], group: Sequence[int], threshold: float | int = 1e-3) -> Check:
    """Whether f depends on the variables of the group through one number alone.

    The number is the largest median speed, over the other variables, with which the gradient's direction turns: in
    radians a standard deviation. Single variables and all of them together always pass.
    Price: the Hessian of f.  Raises InputError for variables that do not exist.

    >>> x = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    >>> f = lambda x: x[:, 0] ** 2 * (x[:, 1] + x[:, 2])
    >>> bool(check_symmetry(f, x, [1, 2])), bool(check_symmetry(f, x, [0, 2]))
    (True, False)
    """
    at = jet(f, x)
    if group:
        partition([group], x.shape[1])
    turning = dependence(at.scaled(spreads(x)), group)
    value = float(turning.max()) if len(turning) else 0.0
    against = (int(turning.argmax()),) if value > 0 else ()
    return Check(f"f depends on {', '.join(f'x{i}' for i in group)} through one number", value, threshold, against)


def dependence(at: Jet, group: Sequence[int]) -> Float[Tensor, " d"]:
    """How fast the direction of the gradient in the group turns with every other variable: the median over rows.

    0 for the group's own variables.  Rows where the group has no slope have no direction, and are left out.
    """
    inside = list(group)
    none = at.gradient.new_zeros(at.gradient.shape[1])
    slope = at.gradient[:, inside]
    size = slope.norm(dim=1)
    largest = float(at.gradient.norm(dim=1).max()) if len(size) else 0.0
    moving = size > STILL * largest
    if len(inside) < 2 or 2 * int(moving.sum()) < len(size):
        return none
    direction = slope[moving] / size[moving, None]
    change = at.hessian[moving][:, inside]
    across = change - direction[:, :, None] * (direction[:, :, None] * change).sum(1, keepdim=True)
    found = median_rows(across.norm(dim=1) / size[moving, None])
    found[inside] = 0.0
    return found


@final
@dataclass(frozen=True)
class VariableSymmetry:
    """Whether variables act through a given function of theirs: true where `share` is above 0.9.

    `cosine` is the absolute cosine of the angle between the gradients of f and of the function, in the variables of
    the function, at every row; NaN where one of them has no slope.
    """

    cosine: Float[Tensor, " n"]

    @property
    def share(self) -> float:
        """The share of rows at which the gradients are all but parallel."""
        told = self.cosine[self.cosine.isfinite()]
        return float((told > 0.9).double().mean()) if len(told) else 0.0

    def __bool__(self) -> bool:
        return self.share > 0.9

    def __str__(self) -> str:
        return f"{'yes' if self else 'no'}: at {self.share:.1%} of the rows the gradients are parallel (cosine > 0.9)"


def check_symmetry_variable(
    f: Function,
    x: Shaped[Tensor, "n d"],
    variable: Callable[[Tensor], Tensor],
    group: Sequence[int],
) -> VariableSymmetry:
    """Whether f depends on the variables of the group only through `variable`, a function of rows as f is.

    Price: two backward passes.  Raises InputError for variables that do not exist, or an empty group.

    >>> x = torch.rand(100, 3, generator=torch.Generator().manual_seed(0))
    >>> f = lambda x: x[:, 0] * (x[:, 1] + x[:, 2])
    >>> bool(check_symmetry_variable(f, x, lambda x: x[:, 1] + x[:, 2], [1, 2]))
    True
    >>> bool(check_symmetry_variable(f, x, lambda x: x[:, 1] * x[:, 2], [1, 2]))
    False
    """
    if not group:
        raise InputError("the variable depends on none of the columns; name those that it is made of.")
    partition([group], x.shape[1])
    unit = spreads(x)[list(group)]
    slopes: list[Tensor] = []
    for function in (f, variable):
        made = jacobian(function, x)
        if made.shape[1] != 1:
            raise InputError(f"a function gives {made.shape[1]} numbers a row; choose one: lambda x: f(x)[:, 0].")
        slopes.append(made[:, 0, list(group)] * unit)
    ours, theirs = slopes
    size = ours.norm(dim=1) * theirs.norm(dim=1)
    return VariableSymmetry(torch.where(size > 0, (ours * theirs).sum(1).abs() / size, torch.nan))
