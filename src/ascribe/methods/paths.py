"""The straight path from a reference to a point, and the adaptive integral along it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import reference_values, sweep, values
from ascribe.core.method import Estimate
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.panels import Take, integrate
from ascribe.maths.quadrature import Adaptive, Quadrature, Riemann, Side

Integrand = Callable[[Float[Tensor, " n"], Int[Tensor, " n"]], tuple[Float[Tensor, " n"], Float[Tensor, "n *shape"]]]


class ToleranceWarning(UserWarning):
    """The limit of evaluations came before the tolerance; the errors say how far it is."""


def checked(rule: Quadrature) -> None:
    """Raises MethodError for what is no rule, a rule without nodes, or a tolerance that cannot be met."""
    if not isinstance(rule, Quadrature):  # pyright: ignore[reportUnnecessaryIsInstance] - users may pass a number
        raise MethodError(f"quadrature={rule!r}; pass Adaptive(), GaussLegendre(50) or Riemann(50)")
    if isinstance(rule, Adaptive):
        if not 0 < rule.tolerance < 1 or rule.limit < 15:
            raise MethodError(f"{rule} cannot be met; pass 0 < tolerance < 1 and limit >= 15")
    elif not isinstance(rule.steps, int) or rule.steps < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise MethodError(f"{rule} has no nodes; pass steps >= 1")
    elif isinstance(rule, Riemann) and rule.side not in get_args(Side):
        raise MethodError(f"{rule} is not known; pass a side of {', '.join(get_args(Side))}")


def of_row(z0: Float[Tensor, "any *shape"], row: Int[Tensor, " n"]) -> Float[Tensor, "n *shape"]:
    """The references of these data rows: one for each, or one for all."""
    return z0[row] if len(z0) > 1 else z0.expand(len(row), *z0.shape[1:])


def between(
    z: Float[Tensor, "rows *shape"],
    z0: Float[Tensor, "any *shape"],
    t: Float[Tensor, " n"],
    row: Int[Tensor, " n"],
) -> Float[Tensor, "n *shape"]:
    """Points at t on the straight paths of these rows."""
    return torch.lerp(of_row(z0, row), z[row], column(t.to(z.dtype), z))


def column(weight: Float[Tensor, " n"], like: Float[Tensor, "..."]) -> Tensor:
    """One weight a row, to be multiplied with tensors like this."""
    return weight.reshape(-1, *[1] * (like.ndim - 1))


def path_integral(
    f: Score,
    z: Float[Tensor, "rows *shape"],
    z0: Float[Tensor, "any *shape"],
    like: Float[Tensor, "#rows *form"],
    integrand: Integrand,
    rule: Adaptive,
) -> Estimate:
    """The integral along every row's path of an integrand whose entries add up to the score's slope.

    `integrand(t, rows)` gives scores and integrands, of the form of `like`, for one piece. Rows whose panels fit the
    memory budget are integrated together.  Warns with ToleranceWarning where the limit comes before the tolerance.
    """
    start, end = reference_values(f, z0), values(f, z)
    # About eight panels a row are alive together, of four tensors each.
    block = max(1, f.budget.memory // (32 * like[:1].numel() * like.element_size()))
    found: list[Estimate] = []
    unreached = 0
    for rows in torch.arange(len(z), device=z.device).split(block):

        def visit(t: Float[Tensor, " n"], which: Int[Tensor, " n"], take: Take, rows: Tensor = rows) -> None:
            sweep(f, len(t), lambda i: take(i, *integrand(t[i], rows[which[i]])), gradients=True)

        part = integrate(visit, start[rows], end[rows], like[:1].expand(len(rows), *like.shape[1:]), rule)
        unreached += int((~part.reached).sum())
        found.append(Estimate(part.values, part.error))
    if unreached:
        warnings.warn(
            f"{unreached} of {len(z)} rows spent {rule.limit} evaluations before the tolerance of {rule.tolerance:g}; "
            f"see .error, or pass Adaptive(limit={4 * rule.limit})",
            ToleranceWarning,
            stacklevel=2,
        )
    return Estimate(torch.cat([e.values for e in found]), torch.cat([e.error for e in found if e.error is not None]))
