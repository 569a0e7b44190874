"""From a network to the tables that compute the same: affines go into the edges, and what is not read goes."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ascribe.kan.serve.compiled_layer import CompiledLayer
from ascribe.kan.serve.symbolic_table import SymbolicTable
from ascribe.kan.serve.table import edge_table, live_edges
from ascribe.kan.structure import Network


def fold(net: Network) -> tuple[list[CompiledLayer], Int[Tensor, " inputs"]]:
    """The layers, with the affines in their tables and without what is not read; the columns that are."""
    read = _read(net)
    layers = [_fold_layer(net, l, *read[l : l + 2]) for l in range(net.depth)]
    return layers, net.input_id[read[0]]


def _read(net: Network) -> list[Bool[Tensor, " nodes"]]:
    """For every layer, the nodes that a chain of live edges leads on to an output."""
    read = [torch.ones(net.nodes(net.depth), dtype=torch.bool, device=net.input_id.device)]
    for l in reversed(range(net.depth)):
        live = live_edges(net.layers[l]) & read[0][net.owners(l + 1)]
        read.insert(0, live.any(1))
    return read


def _fold_layer(net: Network, l: int, inputs: Tensor, nodes: Tensor) -> CompiledLayer:
    """A node's scale goes into its first subnode; its bias into its sum, or after its product."""
    layer, owner = net.layers[l], torch.tensor(net.owners(l + 1), device=nodes.device)
    sums = net.width[l + 1][0]
    first = torch.cat([torch.ones_like(owner[:1], dtype=torch.bool), owner.diff() != 0])
    affines = net.subnode_scale[l], net.subnode_bias[l], net.node_scale[l], net.node_bias[l]
    inner_scale, inner_bias, outer_scale, outer_bias = (a.detach().double() for a in affines)
    outer = torch.where(first, outer_scale[owner], 1.0)
    bias = outer * inner_bias + torch.where(owner < sums, outer_bias[owner], 0.0)
    subnodes = nodes[owner]
    scale = (outer * inner_scale)[subnodes]
    edges = edge_table(layer, inputs, subnodes, scale)
    dtype = layer.coef.dtype
    return CompiledLayer(
        edges.to(dtype),
        bias[subnodes].to(dtype),
        [n for n, kept in zip(net.arity[l + 1], nodes[sums:].tolist(), strict=True) if kept],
        outer_bias[sums:][nodes[sums:]].to(dtype),
        inputs.nonzero()[:, 0].tolist() if layer.extrapolate == "error" else None,
        SymbolicTable.of(layer, inputs, subnodes, scale),
        (layer.mask[inputs] != 0).any(1),
    )
