r"""What `fit` minimises, as one function of one vector: loss and $\lambda$ times the regulariser, and the gradient.

The backward pass is written out on the spline operation: of a layer only its inputs and sums are kept, (features, n)
each, and the moments of its terms where the regulariser asks for spreads. The rows do not change from one evaluation to
the next, so the moments of the first layer are found once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ascribe.kan.fit.chain import Chain
from ascribe.kan.fit.holds import Statistics
from ascribe.kan.fit.loss import Loss
from ascribe.kan.fit.parameters import Parameters
from ascribe.kan.fit.penalty import Penalty
from ascribe.kan.fit.pressure import Pressure
from ascribe.kan.fit.rows import Rows
from ascribe.kan.fit.stages import Stage, Trace, stages
from ascribe.kan.structure import Network
from ascribe.maths.kernels.form import Moments


class Evaluation(NamedTuple):
    """The objective at one vector. `stiffness` is the curvature of the regulariser: of edge (i, j), in units of C_i.

    It goes edge by edge, layer after layer, and is empty where there is no regulariser of edges.
    """

    value: float
    gradient: Float[Tensor, " parameters"]
    loss: float
    penalty: float
    stiffness: Float[Tensor, " edges"]


class Objective:
    """The objective of a network on rows of data; `refresh` after its knots have changed."""

    stages: list[Stage]

    def __init__(self, network: Network, data: Rows, loss: Loss, penalty: Penalty) -> None:
        self.network, self.loss, self.penalty = network, loss, penalty
        self._dtype = data.inputs.dtype
        self.parameters = Parameters(network, self._dtype)
        self.see(data)
        self.refresh()

    def see(self, data: Rows) -> None:
        """Other rows to learn from."""
        self.inputs, self.label = self.network.rows(data.inputs).T.contiguous(), data.label
        self.weight = data.weight
        self._forget()

    def refresh(self) -> None:
        """Take the knots from the network again."""
        self.parameters.refresh()
        self._point = torch.zeros_like(self.parameters.free, dtype=self._dtype)
        self._gradient = torch.zeros_like(self._point)
        self.stages = stages(self.network, self.parameters, self._point, self._gradient)
        self._usual = self.weight is None and Chain.takes(self.stages, self.loss, self.penalty)
        self._forget()

    def _forget(self) -> None:
        self._chain: Chain | None = None
        self._first: Moments | None = None
        self._first_statistics: Statistics | None = None
        # Where the last pass up was, whether with moments, and its traces; None: the chain has them.
        self._at: tuple[Tensor, int, bool, list[Trace] | None] | None = None

    def traces(self, vector: Float[Tensor, " parameters"], moments: bool = False) -> list[Trace]:
        """A pass up at `vector`; that of the last evaluation where it was there and has what is asked for."""
        if self._at is not None:
            place, version, has_moments, found = self._at
            if place is vector and version == vector._version and has_moments >= moments:
                if found is None and self._chain is not None:
                    self._point.copy_(vector)
                    found = self._chain.traces
                    self.output = found[-1].nodes
                if found is not None:
                    return found
        found = self._up(vector, moments)
        self._at = vector, vector._version, moments, found
        return found

    def _up(self, vector: Float[Tensor, " parameters"], moments: bool) -> list[Trace]:
        self._point.copy_(vector)
        inputs, found = self.inputs, list[Trace]()
        for stage in self.stages:
            seen = None if found else self._first
            sums, new, symbols = stage.sums(inputs, moments and seen is None)
            if not found and new is not None:
                self._first = new
            inner, products, nodes = stage.nodes.forward(stage.values, sums)
            found.append(Trace(inputs, sums, inner, products, nodes, new if seen is None else seen, symbols))
            inputs = nodes
        self.output = inputs
        return found

    def outside(self, vector: Float[Tensor, " parameters"]) -> Bool[Tensor, " parameters"]:
        """The a and b of symbolic edges that `vector` takes out of their function's domain on some row."""
        found = torch.zeros_like(self.parameters.free)
        parts = zip(self.stages, self.traces(vector), self.parameters.split(found), strict=True)
        for stage, trace, part in parts:
            # What comes from a layer that is no number itself says nothing about the next.
            if stage.symbols is not None and trace.symbols is not None and not found.any():
                part.symbolic[:, :2] = ~trace.symbols.f.isfinite().all(1, keepdim=True)
        return found

    def of_edges(self, stiffness: Float[Tensor, " edges"]) -> list[Float[Tensor, "_ _"]]:
        """The stiffness of an evaluation, layer by layer; empty where there is none."""
        if not len(stiffness):
            return []
        shapes = [stage.weights.base.shape for stage in self.stages]
        parts = stiffness.split([shape.numel() for shape in shapes])
        return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]

    def run(
        self, vector: Float[Tensor, " parameters"], inputs: Float[Tensor, "inputs n"]
    ) -> Float[Tensor, "outputs n"]:
        """The outputs at `vector` for other rows."""
        self._at = None
        self._point.copy_(vector)
        for stage in self.stages:
            inputs = stage.nodes.forward(stage.values, stage.sums(inputs, slopes=False)[0])[2]
        return inputs

    def __call__(self, vector: Float[Tensor, " parameters"]) -> Evaluation:
        if not self._usual:
            return self.step_by_step(vector)
        if self._chain is None:
            self._chain = Chain(self.stages, self.inputs, self.label, self.parameters, self.penalty)
        loss, penalty, gradient, stiffness = self._chain(vector)
        self._at = vector, vector._version, self.penalty.on_edges, None
        return Evaluation(loss + self.penalty.lamb * penalty, gradient, loss, penalty, stiffness)

    def step_by_step(self, vector: Float[Tensor, " parameters"]) -> Evaluation:
        """The same for any nodes, loss, regulariser and device: what the chain is compared with."""
        traces = self.traces(vector, self.penalty.on_edges)
        loss, pulled = self.loss(self.output, self.label, self.weight)
        pressure = self._press(traces) if self.penalty.on_edges else None
        for l in reversed(range(len(traces))):
            trace, stage = traces[l], self.stages[l]
            pulled = stage.nodes.backward(stage.values, trace.sums, trace.inner, trace.products, pulled, stage.slopes)
            if pressure is not None and pressure.sums:
                pulled = pulled + pressure.sums[l].on(trace.sums)
            below = stage.backward(trace, pulled, None if pressure is None else pressure.layers[l], to_inputs=l > 0)
            if below is not None:
                pulled = below
        penalty = 0.0 if pressure is None else pressure.value
        if self.penalty.on_coefficients:
            penalty += self._add_coefficients()
        value = float(loss)
        return Evaluation(
            value + self.penalty.lamb * penalty,
            self.parameters.held(self._gradient),
            value,
            penalty,
            self._gradient.new_empty(0) if pressure is None else pressure.stiffness,
        )

    def _press(self, traces: list[Trace]) -> Pressure:
        if self._first_statistics is None:
            self._first_statistics = self.stages[0].form.deviations(self.inputs.T)
        return Pressure.at(traces, self.stages, self._first_statistics, self.penalty, self.network)

    def _add_coefficients(self) -> float:
        total = 0.0
        for stage, scale in zip(self.stages, self.parameters.scales, strict=True):
            value, gradient = self.penalty.coefficients(stage.values.weight, scale)
            total += value
            stage.slopes.weight.add_(gradient, alpha=self.penalty.lamb)
        return total
