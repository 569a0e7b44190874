r"""What `fit` minimises, as one function of one vector: loss and $\lambda$ times the regulariser, and the gradient.

The backward pass is written out on the spline operation: of a layer only its inputs and sums are kept, (features, n)
each, and the moments of its terms where the regulariser asks for spreads. The rows do not change from one evaluation to
the next, so the moments of the first layer are found once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.dataset import Rows
from ascribe.kan.fit.loss import Loss
from ascribe.kan.fit.parameters import Parameters
from ascribe.kan.fit.penalty import SMOOTHING, Deviations, Penalty
from ascribe.kan.fit.spread import Spread
from ascribe.kan.fit.stages import Stage, stages
from ascribe.kan.structure import Network
from ascribe.maths.kernels.form import Moments


class Trace(NamedTuple):
    """What one stage leaves on the way up."""

    inputs: Float[Tensor, "inputs n"]
    sums: Float[Tensor, "subnodes n"]
    inner: Float[Tensor, "subnodes n"]
    products: Float[Tensor, "nodes n"]
    moments: Moments | None


class Evaluation(NamedTuple):
    """The objective at one vector. `stiffness` is the curvature of the regulariser: of edge (i, j), in units of C_i."""

    value: float
    gradient: Float[Tensor, " parameters"]
    loss: float
    penalty: float
    stiffness: list[Float[Tensor, "_ _"]] | None


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
        self._forget()

    def refresh(self) -> None:
        """Take the knots from the network again."""
        self.parameters.refresh()
        self._point = torch.zeros_like(self.parameters.free, dtype=self._dtype)
        self._gradient = torch.zeros_like(self._point)
        self.stages = stages(self.network, self.parameters, self._point, self._gradient)
        self._forget()

    def _forget(self) -> None:
        self._first: Moments | None = None
        self._first_spread: Spread | None = None
        self._at: tuple[Tensor, int, list[Trace]] | None = None

    def traces(self, vector: Float[Tensor, " parameters"], moments: bool = False) -> list[Trace]:
        """A pass up at `vector`; that of the last evaluation where it was there and has what is asked for."""
        if self._at is not None:
            place, version, found = self._at
            same = place is vector and version == vector._version
            if same and (not moments or found[-1].moments is not None):
                return found
        found = self._up(vector, moments)
        self._at = vector, vector._version, found
        return found

    def _up(self, vector: Float[Tensor, " parameters"], moments: bool) -> list[Trace]:
        self._point.copy_(vector)
        inputs, found = self.inputs, list[Trace]()
        for stage in self.stages:
            seen = None if found else self._first
            y, new = stage.form.forward(inputs.T, stage.basis, stage.weights, moments and seen is None)
            if not found and new is not None:
                self._first = new
            inner, products, nodes = stage.nodes.forward(stage.values, y.T)
            found.append(Trace(inputs, y.T, inner, products, new if seen is None else seen))
            inputs = nodes
        self.output = inputs
        return found

    def run(
        self, vector: Float[Tensor, " parameters"], inputs: Float[Tensor, "inputs n"]
    ) -> Float[Tensor, "outputs n"]:
        """The outputs at `vector` for other rows."""
        self._at = None
        self._point.copy_(vector)
        for stage in self.stages:
            y, _ = stage.form.forward(inputs.T, stage.basis, stage.weights)
            inputs = stage.nodes.forward(stage.values, y.T)[2]
        return inputs

    def __call__(self, vector: Float[Tensor, " parameters"]) -> Evaluation:
        lamb, on_edges = self.penalty.lamb, self.penalty.on_edges
        traces = self.traces(vector, on_edges)
        loss, pulled = self.loss(self.output, self.label)
        pressure = self._press(traces) if on_edges else None
        for l in reversed(range(len(traces))):
            trace, stage = traces[l], self.stages[l]
            pulled = stage.nodes.backward(stage.values, trace.sums, trace.inner, trace.products, pulled, stage.slopes)
            if pressure is not None and pressure.subnodes:
                pulled = pulled.clone()
                pressure.subnodes[l].add_backward(pulled, trace.sums, pressure.slopes.subnodes[l] * lamb)
            gx, gw = stage.form.backward(
                pulled.T,
                trace.inputs.T,
                stage.basis,
                stage.weights,
                None if pressure is None else pressure.edges[l],
                None if pressure is None else trace.moments,
                to_x=l > 0,
            )
            assert gw is not None
            stage.into.base.copy_(gw.base)
            stage.into.coef.copy_(gw.coef)
            if gx is not None:
                pulled = gx.T
                if pressure is not None:
                    pressure.nodes[l].add_backward(pulled, trace.inputs, pressure.slopes.nodes[l] * lamb)
        penalty = 0.0 if pressure is None else pressure.value
        if self.penalty.on_coefficients:
            penalty += self._add_coefficients()
        value = float(loss)
        return Evaluation(
            value + lamb * penalty,
            self.parameters.held(self._gradient),
            value,
            penalty,
            None if pressure is None else pressure.stiffness,
        )

    def to_inputs(self, l: int, pulled: Float[Tensor, "probes subnodes n"]) -> Float[Tensor, "probes inputs n"]:
        """From gradients in the sums of stage l, at the last pass, to those in its inputs."""
        assert self._at is not None
        stage, inputs = self.stages[l], self._at[2][l].inputs
        found: list[Tensor] = []
        for probe in pulled:
            gx, _ = stage.form.backward(probe.T, inputs.T, stage.basis, stage.weights, to_weights=False)
            assert gx is not None
            found.append(gx.T)
        return torch.stack(found)

    def _press(self, traces: list[Trace]) -> Pressure:
        """The regulariser of the edges at these traces."""
        if self._first_spread is None:
            self._first_spread = Spread.of(self.inputs)
        back = self.penalty.looks_back
        nodes = [self._first_spread, *(Spread.of(t.inputs) for t in traces[1:])]
        subnodes = [Spread.of(t.sums) for t in traces] if back else []
        roots: list[Tensor] = []
        for trace, stage in zip(traces, self.stages, strict=True):
            assert trace.moments is not None
            roots.append(stage.form.spreads(stage.weights, trace.moments, SMOOTHING))
        value, slopes = self.penalty.pull(
            self.network,
            Deviations(
                [s.deviation for s in nodes],
                [s.deviation for s in subnodes],
                [root - SMOOTHING for root in roots],
                Spread.of(self.output).deviation if back else None,
            ),
        )
        edges = [(g * self.penalty.lamb).div_(root) for g, root in zip(slopes.edges, roots, strict=True)]
        return Pressure(value, slopes, edges, nodes, subnodes)

    def _add_coefficients(self) -> float:
        total = 0.0
        for stage, scale in zip(self.stages, self.parameters.scales, strict=True):
            value, gradient = self.penalty.coefficients(stage.values.weight, scale)
            total += value
            stage.slopes.weight.add_(gradient, alpha=self.penalty.lamb)
        return total


class Pressure(NamedTuple):
    """The part of the regulariser on edges, at one point."""

    value: float  # without lamb
    slopes: Deviations  # the gradient in all deviations, without lamb
    edges: list[Float[Tensor, "_ _"]]  # the gradient in every spread, with lamb, over that spread
    nodes: list[Spread]
    subnodes: list[Spread]

    @property
    def stiffness(self) -> list[Float[Tensor, "_ _"]]:
        return [edge.clamp(min=0) for edge in self.edges]
