"""A layer of edges and the nodes above it, on memory that the objective keeps from one evaluation to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.holds import Hold
from ascribe.kan.fit.mixed import Mixed
from ascribe.kan.fit.nodes import Nodes
from ascribe.kan.fit.parameters import LayerValues, Parameters
from ascribe.kan.fit.symbols import Symbols, SymbolTrace
from ascribe.kan.structure import Network
from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.form import Form, Moments
from ascribe.maths.kernels.forms import form_for
from ascribe.maths.kernels.weights import Weights


class Trace(NamedTuple):
    """What a stage leaves on the way up."""

    inputs: Float[Tensor, "inputs n"]
    sums: Float[Tensor, "subnodes n"]
    inner: Float[Tensor, "subnodes n"]
    products: Float[Tensor, "nodes n"]
    nodes: Float[Tensor, "nodes n"]
    moments: Moments | None
    symbols: SymbolTrace | None = None


@dataclass(frozen=True)
class Stage:
    """`values` are views of the point where the objective is evaluated, `slopes` of its gradient there.

    The kernels read and write the edges' part of them as `weights` and `into`. A new point is written into the same
    memory, so that no view is ever made twice. A stage is `numeric` where any of its edges is a spline.
    """

    basis: Basis
    form: Form
    nodes: Nodes
    values: LayerValues
    slopes: LayerValues
    weights: Weights
    into: Weights
    numeric: bool
    symbols: Symbols | None
    mixed: Mixed | None

    def sums(
        self, inputs: Float[Tensor, "inputs n"], moments: bool = False, slopes: bool = True
    ) -> tuple[Float[Tensor, "subnodes n"], Moments | None, SymbolTrace | None]:
        """The sums over edges; the moments of the terms on request; what symbolic edges leave."""
        found, seen = None, None
        if self.numeric:
            y, found = self.form.forward(inputs.T, self.basis, self.weights, moments)
            sums = y.T
        else:
            sums = inputs.new_zeros(self.weights.base.shape[1], inputs.shape[1])
        if self.symbols is not None:
            seen = self.symbols.forward(self.values.symbolic, inputs, slopes)
            sums = self.symbols.add(self.values.symbolic, seen, sums)
        return sums, found, seen

    def whole(self, trace: Trace) -> Float[Tensor, "edges n"]:
        """The values of symbolic edges, with the spline that some of them have too."""
        assert self.symbols is not None
        assert trace.symbols is not None
        values = self.symbols.values(self.values.symbolic, trace.symbols)
        if self.mixed is not None:
            values[self.mixed.edges] += self.mixed.values(self.values.weight, trace.inputs)
        return values

    def backward(
        self, trace: Trace, pulled: Float[Tensor, "subnodes n"], hold: Hold | None, to_inputs: bool
    ) -> Float[Tensor, "inputs n"] | None:
        """The gradient in the inputs, on request, from that in the sums; that in the numbers goes to `slopes`."""
        pull = None if hold is None else hold.pull
        drift = None if hold is None or not to_inputs else hold.inputs
        found: Tensor | None = None
        if self.numeric:
            gx, _ = self.form.backward(
                pulled.T,
                trace.inputs.T,
                self.basis,
                self.weights,
                pull,
                None if pull is None else trace.moments,
                drift=None if drift is None else drift.rate,
                centre=None if drift is None else drift.centre,
                to_x=to_inputs,
                into=(None, self.into),
            )
            found = None if gx is None else gx.T
        elif to_inputs:
            found = torch.zeros_like(trace.inputs) if drift is None else drift.on(trace.inputs)
        if self.symbols is not None and trace.symbols is not None:
            own = pulled[self.symbols.subnode]
            if hold is not None and hold.whole is not None:
                own = own + hold.whole
                if self.mixed is not None:
                    held = hold.whole[self.mixed.edges]
                    self.mixed.backward(self.values.weight, trace.inputs, held, self.slopes.weight, found)
            at_x = self.symbols.backward(self.values.symbolic, trace.symbols, own, self.slopes.symbolic)
            if found is not None:
                found.index_add_(0, self.symbols.source, at_x)
        return found

    def to_inputs(self, trace: Trace, pulled: Float[Tensor, "probes subnodes n"]) -> Float[Tensor, "probes inputs n"]:
        """From gradients in the sums to those in the inputs."""
        found = pulled.new_zeros(len(pulled), *trace.inputs.shape)
        for probe, to in zip(pulled, found, strict=True) if self.numeric else ():
            gx, _ = self.form.backward(probe.T, trace.inputs.T, self.basis, self.weights, to_weights=False)
            assert gx is not None
            to.copy_(gx.T)
        if self.symbols is not None and trace.symbols is not None:
            self.symbols.to_inputs(self.values.symbolic, trace.symbols, pulled, found)
        return found


def stages(
    network: Network,
    parameters: Parameters,
    point: Float[Tensor, " parameters"],
    gradient: Float[Tensor, " parameters"],
) -> list[Stage]:
    """The stages of a network, first to last."""
    found: list[Stage] = []
    for l, (layer, values, slopes) in enumerate(
        zip(network.layers, parameters.split(point), parameters.split(gradient), strict=True)
    ):
        basis = replace(layer.basis, knots=layer.grid.to(point.dtype))
        # The folded weights have the mask in them; 0 and 1 say which edges the kernels may leave out.
        mask = (layer.mask != 0).to(point.dtype)
        weights = Weights.of(values.weight, None if bool(mask.all()) else mask)
        into = Weights.of(slopes.weight)
        symbols = Symbols(layer.symbolic) if layer.symbolic else None
        numeric = symbols is None or bool(mask.any())
        form = form_for(point, basis)
        mixed = None if symbols is None else Mixed.of(symbols, layer.mask != 0, basis, form)
        found.append(Stage(basis, form, Nodes(network, l), values, slopes, weights, into, numeric, symbols, mixed))
    return found
