"""Grids that follow the data: where knots go, and what may change when they move."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.knots import is_constant
from ascribe.kan.structure import Network
from ascribe.maths.kernels.edge_sum import edge_sum


@dataclass(frozen=True)
class GridUpdate:
    """What `update_grid` did, layer by layer."""

    moved: tuple[Float[Tensor, " _"], ...]  # share of the way from the old knots to the data's
    change: tuple[Float[Tensor, " _"], ...]  # root mean square change of an input's edges over their spread
    degenerate: tuple[tuple[int, int], ...]  # (layer, input) whose data is a single value: its grid stays

    def __repr__(self) -> str:
        still = ", ".join(f"input {i} of layer {l}" for l, i in self.degenerate)
        largest = max(float(c.max()) for c in self.change)
        return f"GridUpdate(largest change {largest:.2g}" + (f"; constant, so left alone: {still})" if still else ")")


def update_grid(net: Network, x: Float[Tensor, "*batch columns"], tolerance: float = 0.05) -> GridUpdate:
    """Move the knots of every layer to the data, first layer first, each fed by the ones below as they are by then.

    The coefficients are fitted anew. An input whose edges would change by more than `tolerance` of their spread (root
    mean square over the data) goes only a half, a quarter, ... a sixteenth of the way, or stays; `float("inf")` lets
    every input go all the way. No hidden node gets a grid narrower than a hundredth of the widest in its layer. A layer
    whose coefficients are frozen (`requires_grad=False`) keeps its grids.

    Raises InputError for fewer than two rows or values that are not finite.
    """
    with torch.no_grad():
        values = net.rows(x)
        moved: list[Tensor] = []
        change: list[Tensor] = []
        degenerate: list[tuple[int, int]] = []
        for l, layer in enumerate(net.layers):
            found = layer.move_grid(values, tolerance, hidden=l > 0)
            moved.append(found.share)
            change.append(found.change)
            degenerate += [(l, i) for i in is_constant(values).nonzero()[:, 0].tolist()]
            # Also where the data is still outside of grids that may not be left.
            sums = edge_sum(values, layer.basis, layer.weights())[0]
            values = net.to_nodes(l, layer.with_symbolic(values, sums, None)[0])
    net.see(x)
    return GridUpdate(tuple(moved), tuple(change), tuple(degenerate))


def out_of_range(net: Network, x: Tensor | None = None) -> list[Float[Tensor, " _"]]:
    """For every layer of edges, the share of rows in which each of its inputs lies outside its grid (or is NaN).

    An input without splines has no grid to leave.
    """
    with torch.no_grad():
        seen = net.activations(net.data(x))
        shares: list[Tensor] = []
        for layer, values in zip(net.layers, seen.nodes, strict=True):
            low, high = layer.range
            inside = ((values >= low) & (values <= high)) | ~(layer.mask != 0).any(1)
            shares.append((~inside).to(values.dtype).mean(0) if len(values) else values.new_zeros(values.shape[1]))
    return shares
