"""The trainable numbers of a network as one flat vector, and back."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from ascribe.errors import TrainingError
from ascribe.kan.structure import Network


class LayerValues(NamedTuple):
    """The part of the vector that one layer of edges and the nodes above it take, as views."""

    weight: Shaped[Tensor, "inputs terms subnodes"]
    subnode_scale: Shaped[Tensor, " subnodes"]
    subnode_bias: Shaped[Tensor, " subnodes"]
    node_scale: Shaped[Tensor, " nodes"]
    node_bias: Shaped[Tensor, " nodes"]
    symbolic: Shaped[Tensor, "edges 4"]


def require_own_parameters(network: Network) -> None:
    """Raises TrainingError where something computes a layer's parameters, so that nothing can be written to them."""
    for l, layer in enumerate(network.layers):
        for name in ("coef", "scale_base", "scale_sp"):
            if not isinstance(getattr(layer, name), nn.Parameter):
                raise TrainingError(
                    f"act_fun.{l}.{name} is no parameter, but computed from others (a parametrization or torch's"
                    " pruning); remove that, or train with an optimiser of torch."
                )


class Parameters:
    r"""The vector holds, layer by layer, every edge's folded weight, the nodes' affines and those of symbolic edges.

    An edge computes $w_0 b(x) + \sum_m w_m B_m(x)$, whatever mask, scale_sp and coefficients w was folded from. To
    train w itself leaves out the one direction that changes nothing (scale_sp up, coefficients down); on the way back
    mask and scale_sp stay, and the coefficients take the change. What must not move is not `free`: masked edges, and
    parameters with `requires_grad=False`.
    """

    def __init__(self, network: Network, dtype: torch.dtype) -> None:
        self._network, self._dtype = network, dtype
        self.shapes: list[list[torch.Size]] = []
        free: list[Tensor] = []
        for l, layer in enumerate(network.layers):
            base = (layer.mask != 0) & layer.scale_base.requires_grad
            spline = (layer.mask * layer.scale_sp != 0) & layer.coef.requires_grad
            weight = torch.cat([base[:, None], spline[:, None].expand(-1, layer.coef.shape[2], -1)], 1)
            affines = self._affines(l)
            self.shapes.append([weight.shape, *(a.shape for a in affines)])
            free += [
                weight.flatten(),
                *(torch.full_like(a, a.requires_grad, dtype=torch.bool).flatten() for a in affines),
            ]
        self.free: Bool[Tensor, " parameters"] = torch.cat(free)
        self._mask = None if bool(self.free.all()) else self.free.to(dtype)
        self.scales: list[Float[Tensor, "inputs 1 outputs"]] = []
        self.refresh()

    def refresh(self) -> None:
        """Take the scales and masks from the network, as after an update of its grids."""
        self.scales = [
            (layer.mask * layer.scale_sp).detach().to(self._dtype)[:, None] for layer in self._network.layers
        ]

    def _affines(self, l: int) -> list[Tensor]:
        net, symbolic = self._network, self._network.layers[l].symbolic.affine
        affines = [net.subnode_scale[l], net.subnode_bias[l], net.node_scale[l], net.node_bias[l]]
        return [*affines, net.node_bias[l].new_empty(0, 4) if symbolic is None else symbolic]

    def scale_vector(self) -> Float[Tensor, " parameters"]:
        """How far the vector moves when the coefficient, scale_base or affine behind an entry moves by 1."""
        parts: list[Tensor] = []
        for layer, scale, shapes in zip(self._network.layers, self.scales, self.shapes, strict=True):
            mask = layer.mask.to(self._dtype)[:, None]
            parts.append(torch.cat([mask, scale.expand(-1, shapes[0][1] - 1, -1)], 1).flatten())
            parts += [scale.new_ones(shape.numel()) for shape in shapes[1:]]
        return torch.cat(parts)

    @property
    def count(self) -> int:
        """How many numbers may move."""
        return int(self.free.sum())

    @property
    def firsts(self) -> list[int]:
        """Where in the vector the numbers of every layer begin."""
        sizes = [sum(shape.numel() for shape in layer) for layer in self.shapes]
        return [sum(sizes[:l]) for l in range(len(sizes))]

    def held(self, vector: Float[Tensor, " parameters"]) -> Float[Tensor, " parameters"]:
        """A copy with 0 where nothing may move."""
        return vector.clone() if self._mask is None else vector * self._mask

    def split(self, vector: Shaped[Tensor, " parameters"]) -> list[LayerValues]:
        sizes = [shape.numel() for layer in self.shapes for shape in layer]
        parts = iter(vector.split(sizes))
        return [LayerValues(*(next(parts).view(shape) for shape in layer)) for layer in self.shapes]

    def read(self) -> Float[Tensor, " parameters"]:
        """The network's values as a new vector."""
        with torch.no_grad():
            parts: list[Tensor] = []
            for l, layer in enumerate(self._network.layers):
                parts += [layer.weight().mT, *self._affines(l)]
            return torch.cat([p.reshape(-1).to(self._dtype) for p in parts])

    def write(self, vector: Float[Tensor, " parameters"]) -> None:
        """Give the values back to the network; what is not free stays to the bit."""
        with torch.no_grad():
            free = self.split(self.free)
            for l, (layer, values) in enumerate(zip(self._network.layers, self.split(vector), strict=True)):
                base = values.weight[:, 0] / layer.mask
                coef = (values.weight[:, 1:] / self.scales[l]).mT
                layer.scale_base.copy_(torch.where(free[l].weight[:, 0], base.to(layer.coef.dtype), layer.scale_base))
                layer.coef.copy_(torch.where(free[l].weight[:, 1:].mT, coef.to(layer.coef.dtype), layer.coef))
                for parameter, value in zip(self._affines(l), values[1:], strict=True):
                    if parameter.requires_grad:
                        parameter.copy_(value)
