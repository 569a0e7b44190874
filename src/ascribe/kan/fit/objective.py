r"""What `fit` minimises, as one function of one vector: $\mathrm{loss} + \lambda\,\mathrm{regulariser}$ and its gradient.

The backward pass is written out. A layer is one matrix product on its design; the spread of an edge is
$s = \sqrt{w^\top C w}$ with C the covariance of the design of its input, so $\partial s / \partial w = C w / s$ and
$\partial s / \partial \phi_r = w\, w^\top (\phi_r - \bar\phi) / ((n-1) s)$. The design of the data, in the first layer, is made once.
Everything is laid out (features, n).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.activations import Activations
from ascribe.kan.fit.dataset import Rows
from ascribe.kan.fit.loss import Loss
from ascribe.kan.fit.nodes import Nodes
from ascribe.kan.fit.parameters import LayerValues, Parameters
from ascribe.kan.fit.penalty import SMOOTHING, Penalty
from ascribe.kan.structure import Network
from ascribe.maths.kernels.design import Design, prepare


@dataclass(frozen=True)
class Pass:
    """One layer on the way up."""

    values: LayerValues
    design: Design
    inputs: Float[Tensor, "inputs n"]
    sums: Float[Tensor, "subnodes n"]
    inner: Float[Tensor, "subnodes n"]
    products: Float[Tensor, "nodes n"]
    spread: Float[Tensor, "inputs subnodes"] | None
    towards: Float[Tensor, "inputs terms subnodes"] | None  # C w


@dataclass(frozen=True)
class Evaluation:
    """The objective at one vector. `stiffness` is the curvature of the regulariser: of edge (i, j), in units of C_i."""

    value: float
    gradient: Float[Tensor, " parameters"]
    loss: float
    penalty: float
    stiffness: list[Float[Tensor, "inputs subnodes"]] | None


class Objective:
    """The objective of a network on rows of data; `refresh` after its knots have changed."""

    def __init__(self, network: Network, data: Rows, loss: Loss, penalty: Penalty) -> None:
        self.network, self.loss, self.penalty = network, loss, penalty
        self.parameters = Parameters(network, data.inputs.dtype)
        self.nodes = [Nodes(network, l) for l in range(network.depth)]
        self.see(data)

    def see(self, data: Rows) -> None:
        """Other rows to learn from."""
        self.inputs, self.label = self.network.rows(data.inputs).T.contiguous(), data.label
        self.refresh()

    def refresh(self) -> None:
        """Take the knots from the network again."""
        self.parameters.refresh()
        self.knots = [layer.grid.to(self.inputs.dtype) for layer in self.network.layers]
        self.first = self._design(0, self.inputs, moments=True)

    def _design(self, l: int, inputs: Tensor, moments: bool) -> Design:
        layer = self.network.layers[l]
        return prepare(inputs.T, self.knots[l], layer.k, layer.base_fun, layer.beyond, slopes=l > 0, moments=moments)

    def forward(self, vector: Float[Tensor, " parameters"], moments: bool) -> list[Pass]:
        """All layers; with `moments` also the covariance of every design and the spread of every edge."""
        passes: list[Pass] = []
        inputs = self.inputs
        for l, values in enumerate(self.parameters.split(vector)):
            design = self._design(l, inputs, moments) if l else self.first
            sums = torch.mm(values.weight.flatten(0, 1).T, design.values.flatten(0, 1))
            inner, products, nodes = self.nodes[l].forward(values, sums)
            spread = towards = None
            if moments and design.covariance is not None:
                towards = torch.bmm(design.covariance.to(vector.dtype), values.weight)
                spread = (towards * values.weight).sum(1).clamp_(min=0).add_(SMOOTHING**2).sqrt_()
            passes.append(Pass(values, design, inputs, sums, inner, products, spread, towards))
            inputs = nodes
        self.output = inputs
        return passes

    def __call__(self, vector: Float[Tensor, " parameters"]) -> Evaluation:
        lamb = self.penalty.lamb
        passes = self.forward(vector, moments=self.penalty.on_edges)
        loss, pulled = self.loss(self.output, self.label)
        penalty, pull, stiffness = 0.0, None, None
        if self.penalty.on_edges:
            pull = self.penalty.pull(self.network, self._seen(passes))
            penalty = pull.value
            stiffness = [
                (lamb * g).clamp_(min=0).div_(p.spread)
                for g, p in zip(pull.spreads, passes, strict=True)
                if p.spread is not None
            ]
        gradients: list[LayerValues] = []
        for l in reversed(range(len(passes))):
            p = passes[l]
            pulled, affines = self.nodes[l].backward(p.values, p.sums, p.inner, p.products, pulled)
            edge = None
            if pull is not None and p.spread is not None and p.towards is not None:
                edge = pull.spreads[l] * lamb / p.spread
                within = pull.subnodes[l]
                if within is not None:
                    pulled = torch.add(pulled, within.T, alpha=lamb)
            weight = torch.mm(p.design.values.flatten(0, 1), pulled.T).view_as(p.values.weight)
            if edge is not None and p.towards is not None:
                weight.addcmul_(p.towards, edge[:, None])
            gradients.append(LayerValues(weight, *affines))
            if l:
                pulled = backward_edges(p, pulled, edge)
                if pull is not None and (within := pull.nodes[l]) is not None:
                    pulled = torch.add(pulled, within.T, alpha=lamb)
        gradients.reverse()
        if self.penalty.on_coefficients:
            for g, p, scale in zip(gradients, passes, self.parameters.scales, strict=True):
                value, gradient = self.penalty.coefficients(p.values.weight, scale)
                penalty += value
                g.weight.add_(gradient, alpha=lamb)
        value = float(loss)
        return Evaluation(value + lamb * penalty, self.parameters.join(gradients), value, penalty, stiffness)

    def _seen(self, passes: list[Pass]) -> Activations:
        return Activations(
            tuple(p.inputs.T for p in passes),
            tuple(p.sums.T for p in passes),
            tuple(p.spread for p in passes if p.spread is not None),
            self.output.T,
        )


def backward_edges(
    p: Pass, pulled: Float[Tensor, "*probes subnodes n"], edge: Float[Tensor, "inputs subnodes"] | None
) -> Float[Tensor, "*probes inputs n"]:
    """From the sums of a layer to its inputs; `edge` is the gradient in every spread over that spread."""
    values, slopes = p.design.values, p.design.slopes
    assert slopes is not None
    towards = torch.matmul(p.values.weight.flatten(0, 1), pulled).unflatten(-2, values.shape[:2])
    if edge is not None and p.design.mean is not None:
        weight = p.values.weight
        mixing = torch.bmm(weight * edge[:, None], weight.mT).div_(max(1, values.shape[2] - 1))
        towards.baddbmm_(mixing, values).sub_(torch.bmm(mixing, p.design.mean[..., None]))
    return towards.mul_(slopes).sum(-2)
