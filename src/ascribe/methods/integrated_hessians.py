"""Integrated gradients of integrated gradients: what is due to pairs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import sweep
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.curvature import Take, integrated_pairs
from ascribe.maths.paths import Leg, of_row
from ascribe.maths.quadrature import Adaptive
from ascribe.methods.paths import ToleranceWarning
from ascribe.methods.second_derivatives import twice

_HELD = 12  # matrices a row that are alive together, in float64


@final
@dataclass(frozen=True)
class IntegratedHessians(Method):
    r"""$\Gamma_{ij} = \delta_i\delta_j \int\!\!\int \alpha\beta\,\partial_i\partial_j f(z_0 + \alpha\beta\,\delta)$
    over the unit square of $\alpha, \beta$, with $\delta = z - z_0$; for $i = j$ also $\delta_i$ times the mean of
    $\partial_i f$ there: (rows, players, players).

    Symmetric; a player's line adds up to its integrated gradient, and all of it to $f(z) - f(z_0)$. Exact for cubic
    scores. Second derivatives do not see kinks (ReLU, max, abs): what a kink adds is read off the gradients on its
    two sides (see `ascribe.maths.curvature`), so that networks of them have pairs too, and the sum is right.

    Panels of 3 points are halved until all entries are within `tolerance` of the largest, or `limit` evaluations are
    spent on a row; then it warns (ToleranceWarning). An evaluation costs a backward pass for every player: join
    features with `groups=` where there are many. It holds a dozen matrices of players for the rows it works on.

    Raises MethodError where an operation has no second derivative, and for knobs out of range.

    Source: Janizek, Sturmfels & Lee (2021), "Explaining explanations: axiomatic feature interactions for deep
    networks".

    >>> from ascribe.core.explain import explain
    >>> x = torch.tensor([[2.0, 3.0]], dtype=torch.float64)
    >>> explain(lambda z: z[:, 0] * z[:, 1], x, IntegratedHessians()).values.round(decimals=9)
    tensor([[[1.5000, 1.5000],
             [1.5000, 1.5000]]], dtype=torch.float64)
    """

    tolerance: float = 1e-2
    limit: int = 1000

    laws: ClassVar[frozenset[str]] = frozenset(
        {"complete", "dummy", "linear", "affine", "symmetric", "implementation_invariant"}
    )
    yields: ClassVar[str] = "pairs"
    gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1 or self.limit < 15:
            raise MethodError(f"{self} cannot be met; pass 0 < tolerance < 1 and limit >= 15")

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]) -> Estimate:
        f.require_gradient()
        leg, rule, players = Leg(z0, z), Adaptive(self.tolerance, self.limit), f.players.count
        found: list[Estimate] = []
        unreached = 0
        with twice("use methods of single features, such as IntegratedGradients()"):
            for rows in f.every.split(max(1, f.budget.memory // (_HELD * 8 * players**2))):

                def visit(t: Float[Tensor, " n"], which: Int[Tensor, " n"], take: Take, rows: Tensor = rows) -> None:
                    def work(index: Int[Tensor, " piece"]) -> None:
                        take(index, *_look(f, leg, t[index], rows[which[index]]))

                    sweep(f, len(t), work, gradients=True)

                part = integrated_pairs(visit, len(rows), players, rule, z)
                unreached += int((~part.reached).sum())
                found.append(Estimate(part.values.to(z.dtype), part.error.to(z.dtype)))
        if unreached:
            warnings.warn(
                f"{unreached} of {len(z)} rows spent {self.limit} evaluations before the tolerance of "
                f"{self.tolerance:g}; see .error, or pass IntegratedHessians(limit={4 * self.limit})",
                ToleranceWarning,
                stacklevel=2,
            )
        return Estimate(
            torch.cat([e.values for e in found]), torch.cat([e.error for e in found if e.error is not None])
        )


def _look(
    f: Score, leg: Leg, t: Float[Tensor, " n"], row: Int[Tensor, " n"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n players"], Iterator[Float[Tensor, "n players"]]]:
    """The scores at these points, the terms of their slopes, and their matrices line by line."""
    leaf = leg.points(t, row).detach().requires_grad_()
    away = of_row(leg.end, row) - of_row(leg.start, row)
    # Every evaluation by itself, as a slope of several outputs at one point is not told apart.
    scores = f.at(leaf.clone(), row, None)
    if not scores.requires_grad:
        raise MethodError(
            "the score has no gradient: the model does not compute it from its input by differentiable "
            "torch operations; use ShapleyInteractions(), which needs none"
        )
    (slope,) = torch.autograd.grad(scores.sum(), leaf, create_graph=True, allow_unused=True, materialize_grads=True)
    data = row // f.outputs
    ids = f.players.of(data)

    def lines() -> Iterator[Float[Tensor, "n players"]]:
        for player in range(f.players.count):
            line = torch.zeros_like(leaf)
            if slope.requires_grad:
                pull = (slope * torch.where(ids == player, away, 0.0)).sum()
                (line,) = torch.autograd.grad(pull, leaf, retain_graph=True, allow_unused=True, materialize_grads=True)
            yield f.players.gather(line * away, data)

    return scores.detach(), f.players.gather(slope.detach() * away, data), lines()
