"""A layer of edges and the nodes above it, on memory that the objective keeps from one evaluation to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.nodes import Nodes
from ascribe.kan.fit.parameters import LayerValues, Parameters
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


@dataclass(frozen=True)
class Stage:
    """`values` are views of the point where the objective is evaluated, `slopes` of its gradient there.

    The kernels read and write the edges' part of them as `weights` and `into`. A new point is written into the same
    memory, so that no view is ever made twice.
    """

    basis: Basis
    form: Form
    nodes: Nodes
    values: LayerValues
    slopes: LayerValues
    weights: Weights
    into: Weights


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
        basis = Basis(layer.grid.to(point.dtype), layer.k, layer.base_fun, layer.beyond)
        # The folded weights have the mask in them; 0 and 1 say which edges the kernels may leave out.
        mask = (layer.mask != 0).to(point.dtype)
        weights = Weights.of(values.weight, None if bool(mask.all()) else mask)
        into = Weights.of(slopes.weight)
        found.append(Stage(basis, form_for(point, basis), Nodes(network, l), values, slopes, weights, into))
    return found
