"""How much of each input's part in the score flows through one neuron."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import sweep
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import LayerError
from ascribe.maths.paths import Leg, Path, Straight, column
from ascribe.maths.quadrature import Adaptive, GaussLegendre, Quadrature, Riemann
from ascribe.methods.paths import checked, heights, layer_form, legs, path_integral, together

Index = int | tuple[int | slice, ...]


@final
@dataclass(frozen=True)
class NeuronConductance(Method):
    r"""$\int_0^1 \sum_j \frac{\partial f}{\partial h_j}\frac{\partial h_j}{\partial x}\odot\gamma'(t)\,dt$ for
    neurons j of a layer's value h along the path $\gamma$ of the input, straight unless another is given: what
    `IntegratedGradients` gives an input, as far as it flows through these neurons. Say which layer with `at=`.

    `neuron`: the index of one entry of the layer's value, without the rows, or with slices of several, by themselves
    all; the values of a row add up to what `Conductance` gives these entries. `quadrature` and `local` are those of
    `IntegratedGradients`; in networks of kinks (ReLU) the estimated errors of `Adaptive` are typical ones, and single
    rows may miss a few times as much, as the change of the score says less about a part of it.

    Raises LayerError for an index that the layer does not have.

    Source: Dhamdhere, Sundararajan & Yan (2018), "How important is a neuron?", equation 2.
    """

    neuron: Index = ()
    quadrature: Quadrature = field(default_factory=Adaptive)
    path: Path = field(default_factory=Straight)
    local: bool = False

    laws: ClassVar[frozenset[str]] = frozenset({"linear", "dummy"})
    space: ClassVar[str] = "input"
    yields: ClassVar[str] = "input"
    gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked(self.quadrature, self.path)

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *shape"] | Estimate:
        chosen, parts = self._chosen(layer_form(f, z)), legs(f, self.path, z, z0)
        share = 1 / len(parts) if self.local else 1.0
        if not isinstance(self.quadrature, Adaptive):
            total = torch.zeros_like(z)
            for leg in parts:
                self._add(f, leg, chosen, self.quadrature, total)
            return total * share
        ends = heights(f, parts, z)
        found = [self._flow(f, leg, end, z, chosen, self.quadrature) for leg, end in zip(parts, ends, strict=True)]
        whole = together(found)
        assert whole.error is not None
        return Estimate(whole.values * share, whole.error * share)

    def _chosen(self, like: Float[Tensor, "1 *layer"]) -> Float[Tensor, "1 *layer"]:
        """One where a neuron is chosen, zero elsewhere."""
        chosen = torch.zeros_like(like)
        index = self.neuron if isinstance(self.neuron, tuple) else (self.neuron,)
        try:
            chosen[(slice(None), *index)] = 1
        except IndexError as error:
            raise LayerError(f"the layer's rows are {tuple(like.shape[1:])}, which have no neuron {index}") from error
        return chosen

    def _flow(
        self, f: Score, leg: Leg, ends: tuple[Tensor, Tensor], z: Tensor, chosen: Tensor, rule: Adaptive
    ) -> Estimate:
        def integrand(t: Float[Tensor, " n"], row: Int[Tensor, " n"]) -> tuple[Tensor, Tensor, Tensor]:
            point, speed = leg.at(t, row)
            leaf = point.detach().requires_grad_()
            scores, h = f.record(leaf.clone(), row)
            pull, slope = torch.autograd.grad(
                scores.sum(), (h, leaf), retain_graph=True, allow_unused=True, materialize_grads=True
            )
            back = _through(h, leaf, pull * chosen)
            return scores.detach(), slope * speed, back if self.local else back * speed

        return path_integral(f, ends, z, integrand, rule, terms=False)

    def _add(self, f: Score, leg: Leg, chosen: Tensor, rule: GaussLegendre | Riemann, total: Tensor) -> None:
        t, w = (part.to(total) for part in rule.nodes())

        def work(index: Int[Tensor, " piece"]) -> None:
            node, row = index // len(total), index % len(total)
            point, speed = leg.at(t[node], row)
            leaf = point.detach().requires_grad_()
            scores, h = f.record(leaf.clone(), row)
            (pull,) = torch.autograd.grad(scores.sum(), h, retain_graph=True, allow_unused=True, materialize_grads=True)
            back = _through(h, leaf, pull * chosen) * column(w[node], total)
            total.index_add_(0, row, back if self.local else back * speed)

        sweep(f, len(t) * len(total), work, gradients=True)


def _through(h: Tensor, leaf: Tensor, pull: Tensor) -> Tensor:
    """The backward pass from the layer to the input."""
    return torch.autograd.grad(h, leaf, pull, allow_unused=True, materialize_grads=True)[0]
