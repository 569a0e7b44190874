r"""Many symbolic networks of one shape at once, in float64: values and Jacobians as batched tensors.

Edge e of network b is $c f(a x + b; p) + d$ with its own family f; nodes are sums and products of sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ascribe.kan.symbolic.discovery.families import FAMILIES


@dataclass(frozen=True)
class Layer:
    """The node below and the subnode above every edge, and the subnodes that every node multiplies."""

    source: tuple[int, ...]
    subnode: tuple[int, ...]
    nodes: tuple[tuple[int, ...], ...]


Shape = tuple[Layer, ...]


class _Trace(NamedTuple):
    layer: Layer
    first: int
    inputs: Tensor
    value: Tensor
    slope: Tensor
    by_power: Tensor
    subnodes: Tensor


@dataclass
class Batch:
    """`affine` holds a, b, c, d, p of every edge, `free` what of it may move; `output` a scale and a bias, always free.

    A network has one output node.
    """

    shape: Shape
    family: Int[Tensor, "networks edges"]
    affine: Float[Tensor, "networks edges 5"]
    free: Bool[Tensor, "networks edges 5"]
    output: Float[Tensor, "networks 2"]

    def __post_init__(self) -> None:
        # Where in the flat (network, edge) order of every layer the edges of each family stand.
        self._groups: list[list[tuple[int, Tensor]]] = []
        first = 0
        for layer in self.shape:
            flat = self.family[:, first : first + len(layer.source)].flatten()
            self._groups.append([(f, (flat == f).nonzero()[:, 0]) for f in flat.unique().tolist()])
            first += len(layer.source)

    def __len__(self) -> int:
        return len(self.family)

    def take(self, networks: Int[Tensor, " chosen"]) -> Batch:
        """Some of the networks."""
        parts = (part[networks] for part in (self.family, self.affine, self.free, self.output))
        return Batch(self.shape, *parts)

    @property
    def vector(self) -> Float[Tensor, "networks numbers"]:
        """All numbers of every network in a row."""
        return torch.cat([self.affine.flatten(1), self.output], 1)

    def at(self, vector: Float[Tensor, "networks numbers"]) -> Batch:
        """The networks with other numbers."""
        moved = object.__new__(Batch)
        moved.__dict__.update(self.__dict__)
        moved.affine, moved.output = vector[:, :-2].reshape_as(self.affine), vector[:, -2:]
        return moved

    @property
    def moves(self) -> Bool[Tensor, "networks numbers"]:
        """Which of the numbers are free."""
        return torch.cat([self.free.flatten(1), self.free.new_ones(len(self), 2)], 1)

    def __call__(
        self, x: Float[Tensor, "variables n"]
    ) -> tuple[Float[Tensor, "networks n"], Float[Tensor, "networks numbers n"]]:
        """The outputs, and their slopes in all numbers.  One pass up, one down."""
        nodes = x.expand(len(self), -1, -1)
        traces: list[_Trace] = []
        first = 0
        for layer, groups in zip(self.shape, self._groups, strict=True):
            a, b, c, d, p = (part[..., None] for part in self._edges(layer, first).unbind(-1))
            inputs = nodes[:, layer.source]
            value, slope, by_power = self._jets(torch.addcmul(b, a, inputs), p, groups)
            subnodes = value.new_zeros(len(self), 1 + max(layer.subnode), x.shape[1])
            subnodes.index_add_(1, torch.tensor(layer.subnode), torch.addcmul(d, c, value))
            nodes = torch.stack([_product([subnodes[:, s] for s in node]) for node in layer.nodes], 1)
            traces.append(_Trace(layer, first, inputs, value, slope, by_power, subnodes))
            first += len(layer.source)
        raw = nodes[:, 0]
        return torch.addcmul(self.output[:, 1:], self.output[:, :1], raw), self._slopes(traces, raw)

    def _edges(self, layer: Layer, first: int) -> Tensor:
        return self.affine[:, first : first + len(layer.source)]

    @staticmethod
    def _jets(u: Tensor, p: Tensor, groups: list[tuple[int, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
        flat, power = u.flatten(0, 1), p.reshape(-1, 1)
        value, slope, by_power = torch.empty_like(flat), torch.empty_like(flat), torch.zeros_like(flat)
        for f, where in groups:
            jet = FAMILIES[f].jet(flat[where], power[where])
            value[where], slope[where] = jet.value, jet.slope
            if jet.by_power is not None:
                by_power[where] = jet.by_power
        return value.view_as(u), slope.view_as(u), by_power.view_as(u)

    def _slopes(self, traces: list[_Trace], raw: Tensor) -> Tensor:
        edges = self.family.shape[1]
        slopes = raw.new_zeros(len(self), edges, 5, raw.shape[1])
        above = self.output[:, None, :1].expand(-1, 1, raw.shape[1])
        for layer, first, inputs, value, slope, by_power, subnodes in reversed(traces):
            at_subnodes = torch.zeros_like(subnodes)
            for n, node in enumerate(layer.nodes):
                for s in node:
                    at_subnodes[:, s] += _product([above[:, n], *(subnodes[:, t] for t in node if t != s)])
            at_edges = at_subnodes[:, layer.subnode]
            a, _, c, _, _ = (part[..., None] for part in self._edges(layer, first).unbind(-1))
            at_u = at_edges * c * slope
            parts = (at_u * inputs, at_u, at_edges * value, at_edges, at_edges * c * by_power)
            slopes[:, first : first + len(layer.source)] = torch.stack(parts, 2)
            if first:
                above = at_u.new_zeros(len(self), 1 + max(layer.source), raw.shape[1])
                above.index_add_(1, torch.tensor(layer.source), at_u * a)
        return torch.cat([slopes.flatten(1, 2), raw[:, None], torch.ones_like(raw)[:, None]], 1)


def _product(factors: list[Tensor]) -> Tensor:
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result
