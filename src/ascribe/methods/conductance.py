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
from ascribe.maths.paths import Leg, Path, Straight
from ascribe.maths.quadrature import Adaptive, GaussLegendre, Quadrature, Riemann
from ascribe.methods.paths import checked, heights, layer_form, legs, path_integral, together
from ascribe.methods.second_derivatives import twice


@final
@dataclass(frozen=True)
class Conductance(Method):
    r"""$\int_0^1 \frac{\partial f}{\partial h}\odot\frac{dh}{dt}\,dt$ for a layer's value h along the path of the
    input, straight unless another is given; complete over the layer. Say which layer with `at=`.

    `Adaptive` takes $dh/dt$ from a second backward pass, to the tolerance of `IntegratedGradients`. A fixed rule is the
    sum $\sum_k \frac{\partial f}{\partial h}(t_k)\odot(h(t_{k+1}) - h(t_k))$ over its nodes, which misses what is
    before the first and behind the last; it needs first derivatives of the layers behind the cut only.

    Raises MethodError where `Adaptive` meets an operation that has no second derivative.

    Source: Dhamdhere, Sundararajan & Yan (2018), "How important is a neuron?".
    """

    quadrature: Quadrature = field(default_factory=Adaptive)
    path: Path = field(default_factory=Straight)

    laws: ClassVar[frozenset[str]] = frozenset({"complete", "linear"})
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
                _add_steps(f, leg, self.quadrature, total)
            return total
        ends = heights(f, parts, z)
        with twice("use Conductance(GaussLegendre(50)), which needs first derivatives only"):
            return together([_flow(f, leg, end, like, self.quadrature) for leg, end in zip(parts, ends, strict=True)])


def _flow(
    f: Score, leg: Leg, ends: tuple[Float[Tensor, " rows"], Float[Tensor, " rows"]], like: Tensor, rule: Adaptive
) -> Estimate:
    r"""The integral of $\partial f/\partial h$ times $dh/dt$, the derivative, by a dummy, of the backward pass to x."""

    def integrand(t: Float[Tensor, " n"], row: Int[Tensor, " n"]) -> tuple[Tensor, Tensor, Tensor]:
        point, speed = leg.at(t, row)
        leaf = point.detach().requires_grad_()
        scores, h = f.record(leaf.clone(), row)
        (pull,) = torch.autograd.grad(scores.sum(), h, retain_graph=True, allow_unused=True, materialize_grads=True)
        dummy = torch.zeros_like(h, requires_grad=True)
        (back,) = torch.autograd.grad(h, leaf, dummy, create_graph=True, allow_unused=True, materialize_grads=True)
        climb = torch.zeros_like(h)
        if back.requires_grad:
            (climb,) = torch.autograd.grad(back, dummy, speed, allow_unused=True, materialize_grads=True)
        terms = pull * climb
        return scores.detach(), terms, terms

    return path_integral(f, ends, like, integrand, rule)


def _add_steps(f: Score, leg: Leg, rule: GaussLegendre | Riemann, total: Float[Tensor, "rows *layer"]) -> None:
    """Add the pull at every node times the step of h to the next node."""
    nodes, rows = rule.nodes()[0].to(leg.end), len(total)
    # Of the last `rows` evaluations, one a row: their steps end in what comes next.
    waiting = (total[:0], total[:0])

    def work(index: Int[Tensor, " piece"]) -> None:
        nonlocal waiting
        row = index % rows
        scores, h = f.record(leg.points(nodes[index // rows], row), row)
        (pull,) = torch.autograd.grad(scores.sum(), h, allow_unused=True, materialize_grads=True)
        pull, h = torch.cat([waiting[0], pull]), torch.cat([waiting[1], h.detach()])
        steps = pull[:-rows] * (h[rows:] - h[:-rows])
        total.index_add_(0, row[len(row) - len(steps) :], steps)
        waiting = pull[-rows:], h[-rows:]

    sweep(f, len(nodes) * rows, work, gradients=True)
