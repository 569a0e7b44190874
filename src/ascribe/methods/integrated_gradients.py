"""Gradients along a path from the baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import differentiate, sweep
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.maths.paths import Leg, Path, Straight, column
from ascribe.maths.quadrature import Adaptive, GaussLegendre, Quadrature, Riemann
from ascribe.methods.paths import checked, heights, legs, path_integral, together


@final
@dataclass(frozen=True)
class IntegratedGradients(Method):
    r"""$\int_0^1 \nabla f(\gamma(t))\odot\gamma'(t)\,dt$, on the straight path
    $(z - z_0)\odot\int_0^1 \nabla f(z_0 + t(z - z_0))\,dt$: complete, $\sum = f(z) - f(z_0)$, whatever the path.

    `Adaptive` (the default) takes as many nodes as a row needs, in panels of 15, until the worst entry's error is
    within the tolerance, 1% of the largest entry, and uses the known sum to correct the entries: completeness holds to
    rounding. It warns (ToleranceWarning) where the limit of evaluations comes first. `GaussLegendre(steps)` and
    `Riemann(steps, side)` cost their nodes and estimate no error.

    `path`: `Straight()`, `Polyline(points)`, each leg of which is integrated by the rule, or `Curve(point)`.
    `local`: the mean gradient along the path, $\int_0^1 \nabla f(\gamma(t))\,dt$, in units of the score for one unit of
    the entry; it is not complete. The mean over many baselines: `Expected(IntegratedGradients())`.

    Source: Sundararajan, Taly & Yan (2017), "Axiomatic attribution for deep networks"; Ancona et al. (2018), "Towards
    better understanding of gradient-based attribution methods", for local and global attributions.

    >>> from ascribe.core.explain import explain
    >>> x = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    >>> explain(lambda z: z[:, 0] * z[:, 1] ** 2, x, IntegratedGradients()).values.round(decimals=9)
    tensor([[1.3333, 2.6667]], dtype=torch.float64)
    """

    quadrature: Quadrature = field(default_factory=Adaptive)
    path: Path = field(default_factory=Straight)
    local: bool = False

    gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked(self.quadrature, self.path)

    @property
    def laws(self) -> frozenset[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Mean gradients add up to nothing; a bent path may favour a feature."""
        laws = {"dummy", "linear", "implementation_invariant"}
        laws |= set() if self.local else {"complete", "affine"}
        return frozenset(laws | {"symmetric"} if isinstance(self.path, Straight) else laws)

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *shape"] | Estimate:
        parts = legs(f, self.path, z, z0)
        share = 1 / len(parts)
        if isinstance(self.quadrature, Adaptive):
            ends = heights(f, parts, z)
            return together([self._to_tolerance(f, leg, end, z, share) for leg, end in zip(parts, ends, strict=True)])
        return sum((self._by_rule(f, leg, z, share) for leg in parts), torch.zeros_like(z))

    def _to_tolerance(
        self, f: Score, leg: Leg, ends: tuple[Tensor, Tensor], z: Float[Tensor, "rows *shape"], share: float
    ) -> Estimate:
        def integrand(t: Float[Tensor, " n"], row: Int[Tensor, " n"]) -> tuple[Tensor, Tensor, Tensor]:
            point, speed = leg.at(t, row)
            scores, slope = differentiate(f, point, row)
            terms = slope * speed
            return scores, terms, share * slope if self.local else terms

        assert isinstance(self.quadrature, Adaptive)
        return path_integral(f, ends, z, integrand, self.quadrature, terms=not self.local)

    def _by_rule(
        self, f: Score, leg: Leg, z: Float[Tensor, "rows *shape"], share: float
    ) -> Float[Tensor, "rows *shape"]:
        assert isinstance(self.quadrature, (GaussLegendre, Riemann))
        t, w = (part.to(z) for part in self.quadrature.nodes())
        total = torch.zeros_like(z)
        # Where the speed is the same at all nodes, or none is wanted, it waits for the end.
        later = self.local or leg.curve is None

        def work(index: Int[Tensor, " piece"]) -> None:
            node, row = index // len(z), index % len(z)
            point, speed = (leg.points(t[node], row), None) if later else leg.at(t[node], row)
            slope = differentiate(f, point, row)[1] * column(w[node], z)
            total.index_add_(0, row, slope if speed is None else slope * speed)

        sweep(f, len(t) * len(z), work, gradients=True)
        return total * share if self.local else total * (leg.end - leg.start) if later else total
