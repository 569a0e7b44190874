"""A network of some of the nodes of another, in any order: what pruning and reordering share."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from ascribe.kan.structure import Network

Net = TypeVar("Net", bound=Network)


def select_nodes(net: Net, keep: Sequence[Sequence[int]]) -> Net:
    """The network with these nodes of every layer, in this order; a layer's sums stand before its products.

    A multiplication node brings all its subnodes. Everything else is the old network's: settings, history and data.
    """
    new = copy.deepcopy(net)
    for l, layer in enumerate(new.layers):
        device = layer.mask.device
        owners = net.owners(l + 1)
        sources, nodes = torch.tensor(keep[l], device=device), torch.tensor(keep[l + 1], device=device)
        below = [s for node in keep[l + 1] for s, owner in enumerate(owners) if owner == node]
        subnodes = torch.tensor(below, device=device)
        layer.grid, layer.mask = layer.grid[sources], layer.mask[sources][:, subnodes]
        for name in ("coef", "scale_base", "scale_sp"):
            _replace(layer, name, getattr(layer, name)[sources][:, subnodes])
        layer.symbolic = layer.symbolic.select(keep[l], below)
        layer.in_dim, layer.out_dim = len(sources), len(subnodes)
        for affine, chosen in (
            (new.subnode_scale, subnodes),
            (new.subnode_bias, subnodes),
            (new.node_scale, nodes),
            (new.node_bias, nodes),
        ):
            affine[l] = nn.Parameter(affine[l].detach()[chosen], requires_grad=affine[l].requires_grad)
    new.input_id = net.input_id[torch.tensor(keep[0], device=net.input_id.device)]
    for l in range(net.depth + 1):
        sums = net.width[l][0]
        products = [node - sums for node in keep[l] if node >= sums]
        new.width[l] = [len(keep[l]) - len(products), len(products)]
        new.arity[l] = [net.arity[l][m] for m in products]
    return new


def _replace(module: nn.Module, name: str, value: Tensor) -> None:
    old = getattr(module, name)
    setattr(module, name, nn.Parameter(value.detach().clone(), requires_grad=old.requires_grad))
