"""Grids that follow the data: where knots go, and what may change when they move."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.layer import KANLayer
from ascribe.kan.structure import Network
from ascribe.maths.splines import extend_knots, solve_normal

# Sorted samples that the refit of an input looks at: enough for any grid, and free of the size of the data.
_SAMPLES = 4096
# Weight, beside the data's, of an even sampling of the new grid: it holds an edge in cells that no sample reaches.
_EVEN = 0.01


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


def data_grid(x: Float[Tensor, "n inputs"], cells: int, eps: float) -> Float[Tensor, "inputs points"]:
    """Quantiles of the data, a share `eps` of them replaced by equal cells; all equal where values are few.

    `eps` is taken as at least 0.01, so that ties give narrow cells and never empty ones.
    """
    ordered = x.sort(0).values
    picks = torch.arange(cells + 1, device=x.device) * len(x) // cells
    quantiles = ordered[picks.clamp(max=len(x) - 1)].T
    share = torch.linspace(0, 1, cells + 1, dtype=x.dtype, device=x.device)
    even = ordered[0][:, None] + share * (ordered[-1] - ordered[0])[:, None]
    few = (ordered.diff(dim=0) > 0).sum(0) < cells
    mix = torch.where(few, 1.0, max(eps, 0.01)).to(x.dtype)[:, None]
    return mix * even + (1 - mix) * quantiles


def update_grid(net: Network, x: Float[Tensor, "*batch columns"], tolerance: float = 0.05) -> GridUpdate:
    """Move the knots of every layer to the data, first layer first, each fed by the ones below as they are by then.

    The coefficients are fitted anew. An input whose edges would change by more than `tolerance` of their spread (root
    mean square over the data) goes only a half, a quarter, ... a sixteenth of the way, or stays; `float("inf")` lets
    every input go all the way.

    Raises InputError for fewer than two rows or values that are not finite.
    """
    with torch.no_grad():
        values = net.rows(x)
        if len(values) < 2 or not bool(values.isfinite().all()):
            raise InputError(
                f"x has shape {tuple(x.shape)} or holds NaN, but a grid needs two rows or more of finite numbers;"
                " pass x[x.isfinite().all(-1)]."
            )
        moved: list[Tensor] = []
        change: list[Tensor] = []
        degenerate: list[tuple[int, int]] = []
        for l, layer in enumerate(net.layers):
            constant = is_constant(values)
            steps, changes = _update_layer(layer, values, constant, tolerance)
            moved.append(steps)
            change.append(changes)
            degenerate += [(l, i) for i in constant.nonzero()[:, 0].tolist()]
            values = net.to_nodes(l, layer.edges(values)[0])
    net.see(x)
    return GridUpdate(tuple(moved), tuple(change), tuple(degenerate))


def is_constant(x: Float[Tensor, "n inputs"]) -> Bool[Tensor, " inputs"]:
    """Columns whose values differ by rounding at most."""
    low, high = x.amin(0), x.amax(0)
    return high - low <= 8 * torch.finfo(x.dtype).eps * torch.maximum(low.abs(), high.abs())


def _update_layer(layer: KANLayer, x: Tensor, constant: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
    target = extend_knots(data_grid(x, layer.num, layer.grid_eps), layer.k)
    spread = layer.edges(x, spread=True)[1]
    assert spread is not None
    size = spread.double().square().sum(1)
    stride = -(-len(x) // _SAMPLES)
    samples = x.sort(0).values[::stride].T.contiguous()
    scale = layer.scale_sp * layer.mask
    grid, coef = layer.grid.clone(), layer.coef.detach().clone()
    moved, change = torch.zeros_like(size), torch.zeros_like(size)
    waiting = ~constant
    for step in (1.0, 0.5, 0.25, 0.125, 0.0625):
        knots = torch.lerp(layer.grid, target, step)
        fitted = _refit(layer, knots, samples)
        error = _difference(layer, knots, fitted, samples, scale)
        relative = (error / size.clamp(min=torch.finfo(size.dtype).tiny)).sqrt()
        taken = waiting & ((relative <= tolerance) | (error == 0))
        grid[taken], coef[taken] = knots[taken], fitted[taken]
        moved[taken], change[taken] = step, relative[taken]
        waiting = waiting & ~taken
        if not bool(waiting.any()):
            break
    layer.grid.copy_(grid)
    layer.coef.copy_(coef)
    return moved, change


def _refit(layer: KANLayer, knots: Tensor, samples: Tensor) -> Tensor:
    """Coefficients on new knots, nearest to the old splines on the samples and, with little weight, between them."""
    cells = 4 * layer.num * (layer.k + 1)
    low, high = knots[:, layer.k, None], knots[:, layer.k + layer.num, None]
    even = low + (torch.arange(cells, dtype=knots.dtype, device=knots.device) + 0.5) / cells * (high - low)
    gram = cross = 0
    for points, weight in ((samples, 1.0), (even, _EVEN)):
        new = layer.edge.bases(points, knots).double()
        old = layer.edge.bases(points, layer.grid).double()
        gram = gram + weight / points.shape[1] * (new @ new.mT)
        cross = cross + weight / points.shape[1] * (new @ old.mT)
    assert isinstance(gram, Tensor)
    return solve_normal(gram, cross @ layer.coef.double().mT, 1e-10).mT.to(layer.coef.dtype)


def _difference(layer: KANLayer, knots: Tensor, fitted: Tensor, samples: Tensor, scale: Tensor) -> Tensor:
    """The mean square change of every input's edges over the samples, summed over outputs."""
    new = layer.edge.bases(samples, knots).double()
    old = layer.edge.bases(samples, layer.grid).double()
    both = torch.cat([new, old], 1)
    gram = both @ both.mT / samples.shape[1]
    weight = torch.cat([fitted, -layer.coef], -1).double() * scale.double()[..., None]
    return ((weight @ gram) * weight).sum((1, 2)).clamp(min=0)


def out_of_range(net: Network, x: Tensor | None = None) -> list[Float[Tensor, " _"]]:
    """For every layer of edges, the share of rows in which each of its inputs lies outside its grid (or is NaN)."""
    with torch.no_grad():
        seen = net.activations(net.data(x))
        shares: list[Tensor] = []
        for layer, values in zip(net.layers, seen.nodes, strict=True):
            low, high = layer.range
            inside = (values >= low) & (values <= high)
            shares.append((~inside).to(values.dtype).mean(0) if len(values) else values.new_zeros(values.shape[1]))
    return shares
