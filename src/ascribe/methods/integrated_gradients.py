"""Gradients along the straight path from the baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import differentiate, sweep
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.maths.quadrature import Adaptive, Quadrature
from ascribe.methods.paths import between, checked, column, of_row, path_integral


@final
@dataclass(frozen=True)
class IntegratedGradients(Method):
    r"""$(z - z_0)\odot\int_0^1 \nabla f(z_0 + t(z - z_0))\,dt$: complete, $\sum = f(z) - f(z_0)$.

    `Adaptive` (the default) takes as many nodes as a row needs, in panels of 15, until the worst entry's error is
    within the tolerance, 1% of the largest entry, and uses the known sum to correct the entries: completeness holds to
    rounding. It warns (ToleranceWarning) where the limit of evaluations comes first. `GaussLegendre(steps)` and
    `Riemann(steps, side)` cost their nodes and estimate no error.

    Source: Sundararajan, Taly & Yan (2017), "Axiomatic attribution for deep networks".

    >>> from ascribe.core.explain import explain
    >>> x = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    >>> explain(lambda z: z[:, 0] * z[:, 1] ** 2, x, IntegratedGradients()).values.round(decimals=9)
    tensor([[1.3333, 2.6667]], dtype=torch.float64)
    """

    quadrature: Quadrature = field(default_factory=Adaptive)

    laws: ClassVar[frozenset[str]] = frozenset(
        {"complete", "dummy", "linear", "affine", "symmetric", "implementation_invariant"}
    )

    def __post_init__(self) -> None:
        checked(self.quadrature)

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *shape"] | Estimate:
        if isinstance(self.quadrature, Adaptive):

            def integrand(t: Float[Tensor, " n"], row: Int[Tensor, " n"]) -> tuple[Tensor, Tensor]:
                scores, slope = differentiate(f, between(z, z0, t, row), row)
                return scores, slope * (z[row] - of_row(z0, row))

            return path_integral(f, z, z0, z, integrand, self.quadrature)
        t, w = (part.to(z) for part in self.quadrature.nodes())
        total = torch.zeros_like(z)

        def work(index: Int[Tensor, " piece"]) -> None:
            node, row = index // len(z), index % len(z)
            slope = differentiate(f, between(z, z0, t[node], row), row)[1]
            total.index_add_(0, row, slope * column(w[node], z))

        sweep(f, len(t) * len(z), work, gradients=True)
        return total * (z - z0)
