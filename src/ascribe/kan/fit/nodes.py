"""The step from the sums of edges to the nodes above, forward and backward, laid out (features, n)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.parameters import LayerValues
from ascribe.kan.structure import Network


class Nodes:
    r"""node = node_scale * product of (subnode_scale * sum + subnode_bias) + node_bias.

    A table lists the factors of every node, and for every subnode the other factors of its node, so that products of
    any arity are one `prod` each way; missing factors point at a row of ones.
    """

    def __init__(self, network: Network, l: int) -> None:
        affines = (network.subnode_scale[l], network.subnode_bias[l], network.node_scale[l], network.node_bias[l])
        # Frozen identities, the default, cost nothing.
        self.plain = all(
            not a.requires_grad and bool((a == neutral).all()) for a, neutral in zip(affines, (1, 0, 1, 0), strict=True)
        )
        owners = network.owners(l + 1)
        self.multiplies = bool(network.arity[l + 1])
        device = network.input_id.device
        members = [[s for s, o in enumerate(owners) if o == node] for node in range(network.nodes(l + 1))]
        others = [[s for s in members[o] if s != subnode] for subnode, o in enumerate(owners)]
        self.owner = torch.tensor(owners, device=device)
        self.members = _padded(members, len(owners)).to(device)
        self.others = _padded(others, len(owners)).to(device)

    def forward(
        self, v: LayerValues, sums: Float[Tensor, "subnodes n"]
    ) -> tuple[Float[Tensor, "subnodes n"], Float[Tensor, "nodes n"], Float[Tensor, "nodes n"]]:
        """Subnodes after their affine, products of them, nodes."""
        inner = sums if self.plain else torch.addcmul(v.subnode_bias[:, None], sums, v.subnode_scale[:, None])
        products = _with_ones(inner)[self.members].prod(1) if self.multiplies else inner
        nodes = products if self.plain else torch.addcmul(v.node_bias[:, None], products, v.node_scale[:, None])
        return inner, products, nodes

    def backward(
        self,
        v: LayerValues,
        sums: Float[Tensor, "subnodes n"],
        inner: Float[Tensor, "subnodes n"],
        products: Float[Tensor, "nodes n"],
        pulled: Float[Tensor, "nodes n"],
        slopes: LayerValues,
    ) -> Float[Tensor, "subnodes n"]:
        """The gradient in the sums; that in the affines is written into `slopes`, unless they are plain."""
        within = self.pull_inner(v, inner, pulled)
        if self.plain:
            return within
        torch.sum(pulled * products, 1, out=slopes.node_scale)
        torch.sum(pulled, 1, out=slopes.node_bias)
        torch.sum(within * sums, 1, out=slopes.subnode_scale)
        torch.sum(within, 1, out=slopes.subnode_bias)
        return within * v.subnode_scale[:, None]

    def pull(
        self, v: LayerValues, inner: Float[Tensor, "subnodes n"], pulled: Float[Tensor, "*probes nodes n"]
    ) -> Float[Tensor, "*probes subnodes n"]:
        """From a gradient in the nodes to one in the sums."""
        within = self.pull_inner(v, inner, pulled)
        return within if self.plain else within * v.subnode_scale[:, None]

    def pull_inner(
        self, v: LayerValues, inner: Float[Tensor, "subnodes n"], pulled: Float[Tensor, "*probes nodes n"]
    ) -> Float[Tensor, "*probes subnodes n"]:
        """From a gradient in the nodes to one in the subnodes after their affine."""
        if not self.plain:
            pulled = pulled * v.node_scale[:, None]
        if not self.multiplies:
            return pulled
        return pulled.index_select(-2, self.owner) * _with_ones(inner)[self.others].prod(1)


def _padded(rows: list[list[int]], missing: int) -> Tensor:
    longest = max(1, *(len(row) for row in rows))
    return torch.tensor([row + [missing] * (longest - len(row)) for row in rows])


def _with_ones(x: Float[Tensor, "subnodes n"]) -> Float[Tensor, "subnodes_and_one n"]:
    return torch.cat([x, x.new_ones(1, x.shape[1])])
