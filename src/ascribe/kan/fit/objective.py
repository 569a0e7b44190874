r"""What `fit` minimises, as one function of one vector: loss and $\lambda$ times the regulariser, and the gradient.

The backward pass is written out. A layer is one matrix product on its design; the spread of an edge is
$s = \sqrt{w^\top C w}$ with C the covariance of the design of its input, so $\partial s / \partial w = C w / s$ and
$\partial s / \partial \phi_r = w\, w^\top (\phi_r - \bar\phi) / ((n-1) s)$. The design of the data, in the first layer,
is made once. Everything is laid out (features, n).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.dataset import Rows
from ascribe.kan.fit.loss import Loss
from ascribe.kan.fit.nodes import Nodes
from ascribe.kan.fit.parameters import LayerValues, Parameters
from ascribe.kan.fit.penalty import SMOOTHING, Deviations, Penalty
from ascribe.kan.fit.prepared import Design, prepare
from ascribe.kan.structure import Network


class Spread(NamedTuple):
    """The deviation of every feature over the rows, with what its gradient needs."""

    centred: Float[Tensor, "features n"]
    deviation: Float[Tensor, " features"]

    @classmethod
    def of(cls, x: Float[Tensor, "features n"]) -> Spread:
        centred = x - x.mean(1, keepdim=True)
        return cls(centred, (torch.linalg.vecdot(centred, centred) / max(1, x.shape[1] - 1)).sqrt_())

    def backward(self, gradient: Float[Tensor, " features"]) -> Float[Tensor, "features n"]:
        """0 where a feature does not vary."""
        tiny = torch.finfo(gradient.dtype).tiny
        return self.centred * (gradient / (max(1, self.centred.shape[1] - 1) * self.deviation.clamp(min=tiny)))[:, None]


class Pass(NamedTuple):
    """One layer on the way up."""

    values: LayerValues
    design: Design
    inputs: Float[Tensor, "inputs n"]
    sums: Float[Tensor, "subnodes n"]
    inner: Float[Tensor, "subnodes n"]
    products: Float[Tensor, "nodes n"]
    root: Float[Tensor, "inputs subnodes"] | None  # of w C w, smoothed: the spread of every edge
    towards: Float[Tensor, "inputs terms subnodes"] | None  # C w


class Evaluation(NamedTuple):
    """The objective at one vector. `stiffness` is the curvature of the regulariser: of edge (i, j), in units of C_i."""

    value: float
    gradient: Float[Tensor, " parameters"]
    loss: float
    penalty: float
    stiffness: list[Float[Tensor, "_ _"]] | None


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
        self.first_spread = Spread.of(self.inputs)

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
            root = towards = None
            if moments and design.covariance is not None:
                towards = torch.bmm(design.covariance.to(vector.dtype), values.weight)
                root = (towards * values.weight).sum(1).clamp_(min=0).add_(SMOOTHING**2).sqrt_()
            passes.append(Pass(values, design, inputs, sums, inner, products, root, towards))
            inputs = nodes
        self.output = inputs
        # Kept until the next pass has its own: memory given back to the system between two passes is cleared anew.
        self._kept = passes
        return passes

    def __call__(self, vector: Float[Tensor, " parameters"]) -> Evaluation:
        lamb = self.penalty.lamb
        passes = self.forward(vector, moments=self.penalty.on_edges)
        loss, pulled = self.loss(self.output, self.label)
        penalty, slopes, stiffness = 0.0, None, None
        nodes: list[Spread] = []
        subnodes: list[Spread] = []
        if self.penalty.on_edges:
            nodes = [self.first_spread, *(Spread.of(p.inputs) for p in passes[1:])]
            subnodes = [Spread.of(p.sums) for p in passes] if self.penalty.looks_back else []
            roots = [p.root for p in passes if p.root is not None]
            edges = [root - SMOOTHING for root in roots]
            seen = Deviations(
                [s.deviation for s in nodes], [s.deviation for s in subnodes], edges, Spread.of(self.output).deviation
            )
            penalty, slopes = self.penalty.pull(self.network, seen)
            stiffness = [(g * lamb).clamp_(min=0).div_(s) for g, s in zip(slopes.edges, roots, strict=True)]
        gradients: list[LayerValues] = []
        for l in reversed(range(len(passes))):
            p = passes[l]
            pulled, affines = self.nodes[l].backward(p.values, p.sums, p.inner, p.products, pulled)
            if slopes is not None and subnodes:
                pulled = pulled + subnodes[l].backward(slopes.subnodes[l] * lamb)
            # The thin factor first: the other order takes twice as long.
            weight = torch.mm(pulled, p.design.values.flatten(0, 1).T).T.unflatten(0, p.design.values.shape[:2])
            edge = None
            if slopes is not None and p.root is not None and p.towards is not None:
                edge = slopes.edges[l] * lamb / p.root
                weight.addcmul_(p.towards, edge[:, None])
            gradients.append(LayerValues(weight, *affines))
            if l:
                pulled = backward_edges(p, pulled, edge)
                if slopes is not None:
                    pulled += nodes[l].backward(slopes.nodes[l] * lamb)
        gradients.reverse()
        if self.penalty.on_coefficients:
            for g, p, scale in zip(gradients, passes, self.parameters.scales, strict=True):
                value, gradient = self.penalty.coefficients(p.values.weight, scale)
                penalty += value
                g.weight.add_(gradient, alpha=lamb)
        value = float(loss)
        return Evaluation(value + lamb * penalty, self.parameters.join(gradients), value, penalty, stiffness)


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
