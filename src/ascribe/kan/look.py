"""One edge at a time: its values and its range on data."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.layer import KANLayer
from ascribe.kan.structure import Network
from ascribe.maths.kernels.design import design


def get_fun(
    kan: Network, l: int, i: int, j: int, x: Tensor | None = None
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Edge (l, i, j) on x (or the remembered data): its inputs in ascending order, and its values there.

    Price: one forward pass.  Raises InputError for an edge that does not exist, or data without rows.
    """
    layer = kan.layer_of(l, i, j)
    with torch.no_grad():
        inputs = seen(kan, l, x)[:, i].sort().values
        return inputs, curve(layer, i, j, inputs)


def seen(kan: Network, l: int, x: Tensor | None = None) -> Float[Tensor, "n nodes"]:
    """What the nodes of layer l give the edges on x (or the remembered data).  Raises InputError without rows."""
    values = kan.activations(kan.data(x)).nodes[l]
    if not len(values):
        raise InputError("x has no rows; pass some, to see the edge on them.")
    return values


def get_range(kan: Network, l: int, i: int, j: int, x: Tensor | None = None) -> tuple[float, float, float, float]:
    """The least and the largest input of edge (l, i, j) on x (or the remembered data), and of its values there.

    Price and errors as `get_fun`.
    """
    inputs, values = get_fun(kan, l, i, j, x)
    return float(inputs[0]), float(inputs[-1]), float(values.min()), float(values.max())


def curve(layer: KANLayer, i: int, j: int, inputs: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """The whole edge from input i to subnode j at some inputs."""
    basis = replace(layer.basis, knots=layer.grid[[i]])
    values = design(inputs[:, None], basis)[:, 0] @ layer.weight()[i, j]
    at = layer.symbolic.at(i, j)
    if at is None:
        return values
    return values + layer.symbolic.values(inputs[:, None].expand(-1, layer.in_dim))[:, at]
