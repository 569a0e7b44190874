"""How strongly each entry of a layer acts on the score, on the way from the baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import sweep
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.maths.paths import Leg, Path, Straight, column
from ascribe.maths.quadrature import Adaptive, GaussLegendre, Quadrature, Riemann
from ascribe.methods.paths import checked, heights, layer_form, legs, path_integral, together


@final
@dataclass(frozen=True)
class InternalInfluence(Method):
    r"""$\int_0^1 \frac{\partial f}{\partial h}(\gamma(t))\,dt$ for a layer's value h along the path of the input,
    straight unless another is given: the mean gradient, in units of the score for one unit of h. Say which layer with
    `at=`.

    `Adaptive` works to the tolerance of `IntegratedGradients`, where the change of the score along the path, which is
    known, corrects the entries; its backward passes go on to the input. A fixed rule costs its nodes.

    Source: Leino et al. (2018), "Influence-directed explanations for deep convolutional networks".
    """

    quadrature: Quadrature = field(default_factory=Adaptive)
    path: Path = field(default_factory=Straight)

    laws: ClassVar[frozenset[str]] = frozenset({"linear"})
    space: ClassVar[str] = "input"
    gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked(self.quadrature, self.path)

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *layer"] | Estimate:
        like, parts = layer_form(f, z), legs(f, self.path, z, z0)
        if not isinstance(self.quadrature, Adaptive):
            total = like.new_zeros(len(z), *like.shape[1:])
            for leg in parts:
                _add_pulls(f, leg, self.quadrature, total)
            return total / len(parts)
        ends = heights(f, parts, z)
        found = together([_pull(f, leg, end, like, self.quadrature) for leg, end in zip(parts, ends, strict=True)])
        assert found.error is not None
        return Estimate(found.values / len(parts), found.error / len(parts))


def _pull(
    f: Score, leg: Leg, ends: tuple[Float[Tensor, " rows"], Float[Tensor, " rows"]], like: Tensor, rule: Adaptive
) -> Estimate:
    def integrand(t: Float[Tensor, " n"], row: Int[Tensor, " n"]) -> tuple[Tensor, Tensor, Tensor]:
        point, speed = leg.at(t, row)
        leaf = point.detach().requires_grad_()
        scores, h = f.record(leaf.clone(), row)
        pull, slope = torch.autograd.grad(scores.sum(), (h, leaf), allow_unused=True, materialize_grads=True)
        return scores.detach(), slope * speed, pull

    return path_integral(f, ends, like, integrand, rule, terms=False)


def _add_pulls(f: Score, leg: Leg, rule: GaussLegendre | Riemann, total: Float[Tensor, "rows *layer"]) -> None:
    t, w = (part.to(total) for part in rule.nodes())

    def work(index: Int[Tensor, " piece"]) -> None:
        node, row = index // len(total), index % len(total)
        scores, h = f.record(leg.points(t[node], row), row)
        (pull,) = torch.autograd.grad(scores.sum(), h, allow_unused=True, materialize_grads=True)
        total.index_add_(0, row, pull * column(w[node], pull))

    sweep(f, len(t) * len(total), work, gradients=True)
