"""How much of the change along the input path flows through each entry of a layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import sweep
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import InputError
from ascribe.maths.quadrature import Adaptive, GaussLegendre, Quadrature, Riemann
from ascribe.methods.paths import between, checked, of_row, path_integral


@final
@dataclass(frozen=True)
class Conductance(Method):
    r"""$\int_0^1 \frac{\partial f}{\partial h}\odot\frac{dh}{dt}\,dt$ for a layer's value h along the straight path of
    the input; complete over the layer. Say which layer with `at=`.

    `Adaptive` takes $dh/dt$ from a second backward pass, to the tolerance of `IntegratedGradients`. A fixed rule is the
    sum $\sum_k \frac{\partial f}{\partial h}(t_k)\odot(h(t_{k+1}) - h(t_k))$ over its nodes, which misses what is
    before the first and behind the last; it needs first derivatives of the layers behind the cut only.

    Source: Dhamdhere, Sundararajan & Yan (2018), "How important is a neuron?".
    """

    quadrature: Quadrature = field(default_factory=Adaptive)

    laws: ClassVar[frozenset[str]] = frozenset({"complete", "linear"})
    space: ClassVar[str] = "input"

    def __post_init__(self) -> None:
        checked(self.quadrature)

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *layer"] | Estimate:
        if f.obstacle is not None:
            raise InputError(f.obstacle)
        with torch.no_grad():
            like = f.record(z[:1], f.every[:1])[1]
        if not isinstance(self.quadrature, Adaptive):
            return _fixed(f, z, z0, like, self.quadrature)

        def integrand(t: Float[Tensor, " n"], row: Int[Tensor, " n"]) -> tuple[Tensor, Tensor]:
            away = z[row] - of_row(z0, row)
            scores, pull, speed = _flow(f, between(z, z0, t, row), away, row)
            return scores, pull * speed

        return path_integral(f, z, z0, like, integrand, self.quadrature)


def _flow(
    f: Score, x: Float[Tensor, "n *shape"], away: Float[Tensor, "n *shape"], row: Int[Tensor, " n"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n *layer"], Float[Tensor, "n *layer"]]:
    r"""Scores, $\partial f/\partial h$, and $dh/dt$: the derivative, by a dummy, of the backward pass to x."""
    leaf = x.detach().requires_grad_()
    scores, h = f.record(leaf.clone(), row)
    (pull,) = torch.autograd.grad(scores.sum(), h, retain_graph=True, allow_unused=True, materialize_grads=True)
    dummy = torch.zeros_like(h, requires_grad=True)
    (back,) = torch.autograd.grad(h, leaf, dummy, create_graph=True, allow_unused=True, materialize_grads=True)
    if not back.requires_grad:
        return scores.detach(), pull, torch.zeros_like(h)
    (speed,) = torch.autograd.grad(back, dummy, away, allow_unused=True, materialize_grads=True)
    return scores.detach(), pull, speed


def _fixed(
    f: Score,
    z: Float[Tensor, "rows *shape"],
    z0: Float[Tensor, "any *shape"],
    like: Float[Tensor, "1 *layer"],
    rule: GaussLegendre | Riemann,
) -> Float[Tensor, "rows *layer"]:
    total = like.new_zeros(len(z), *like.shape[1:])
    pull, height, last = torch.empty_like(total), torch.empty_like(total), torch.empty_like(total)
    for k, t in enumerate(rule.nodes()[0].to(z)):

        def work(row: Int[Tensor, " piece"], t: Tensor = t) -> None:
            scores, h = f.record(between(z, z0, t.expand(len(row)), row), row)
            slope = torch.autograd.grad(scores.sum(), h, allow_unused=True, materialize_grads=True)[0]
            height[row], pull[row] = h.detach(), slope

        before = pull.clone()
        sweep(f, len(z), work, gradients=True)
        if k:
            total += before * (height - last)
        last.copy_(height)
    return total
