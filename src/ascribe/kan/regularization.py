r"""The regulariser: few edges, and among them few that matter.

For every matrix v of edge (or node) scores of `metric`: $\lambda_1 \sum v + \lambda_H (H_{row} + H_{col})$ with
$p = v / (\sum_i v + 1)$ and $H = -\mathrm{mean}_j \sum_i p \log_2(p + 10^{-4})$, along both directions; and for every
layer $\lambda_c \sum_{im} \mathrm{mean}_j |c_{ijm}| +
\lambda_d \sum_{im} \mathrm{mean}_j |c_{ij,m+1} - c_{ijm}|$, over the
edges that are left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.activations import Activations, deviation
from ascribe.kan.scores import attributions_of, normalised_spreads, scores_of
from ascribe.kan.structure import Network


def _spreads(net: Network, seen: Activations) -> list[Tensor]:
    return list(seen.spreads)


def _normalised(net: Network, seen: Activations) -> list[Tensor]:
    return normalised_spreads(seen)


def _normalised_splines(net: Network, seen: Activations) -> list[Tensor]:
    return [s / (deviation(x) + 0.1)[:, None] for s, x in zip(seen.splines, seen.nodes, strict=True)]


def _edges(net: Network, seen: Activations) -> list[Tensor]:
    return scores_of(net, seen).edges


def _nodes(net: Network, seen: Activations) -> list[Tensor]:
    return attributions_of(net, seen)[1:]


# Without symbolic edges the two normalised metrics are one; "spline_n" leaves their part out.
METRICS: dict[str, Callable[[Network, Activations], list[Tensor]]] = {
    "edge_forward_spline_n": _normalised_splines,
    "edge_forward_sum": _normalised,
    "edge_forward_spline_u": _spreads,
    "edge_backward": _edges,
    "node_backward": _nodes,
}
# The metrics of spreads over those of the inputs.
NORMALISED = ("edge_forward_spline_n", "edge_forward_sum")


def regularization(
    net: Network,
    seen: Activations,
    metric: str = "edge_forward_spline_n",
    lamb_l1: float = 1.0,
    lamb_entropy: float = 2.0,
    lamb_coef: float = 0.0,
    lamb_coefdiff: float = 0.0,
) -> Float[Tensor, ""]:
    """The penalty on these activations, with a gradient in every parameter and in the input.

    Raises InputError for an unknown metric.
    """
    if metric not in METRICS:
        raise InputError(f"metric={metric!r} is not known; pass one of {', '.join(map(repr, METRICS))}.")
    total = torch.zeros((), dtype=seen.output.dtype, device=seen.output.device)
    if lamb_l1 or lamb_entropy:
        if metric in NORMALISED:
            spreads = seen.splines if metric == "edge_forward_spline_n" else seen.spreads
            for s, x in zip(spreads, seen.nodes, strict=True):
                total = total + sparsity(s, lamb_l1, lamb_entropy, 1 / (deviation(x) + 0.1))
        else:
            for v in METRICS[metric](net, seen):
                total = total + sparsity(v, lamb_l1, lamb_entropy)
    for layer in net.layers if lamb_coef or lamb_coefdiff else ():
        coef = layer.coef * layer.mask[..., None]
        if lamb_coef:
            total = total + lamb_coef * coef.abs().mean(1).sum()
        if lamb_coefdiff:
            total = total + lamb_coefdiff * coef.diff(dim=-1).abs().mean(1).sum()
    return total


def sparsity(
    v: Float[Tensor, "rows columns"], l1: float, entropy: float, scale: Float[Tensor, " rows"] | None = None
) -> Float[Tensor, ""]:
    """The sum of v and the entropies of its rows and columns; of v times a scale for every row, where one is given."""
    value: Tensor = _Sparsity.apply(v, scale, l1, entropy)
    return value


def entropy_and_slope(
    v: Float[Tensor, "rows columns"], dim: int
) -> tuple[Float[Tensor, ""], Float[Tensor, "rows columns"]]:
    """The entropy along `dim`, a mean over the other direction, and its gradient."""
    share = 1 / (v.sum(dim, keepdim=True) + 1)
    p = v * share
    shifted = p + 1e-4
    logarithm = shifted.log2()
    negative = -1 / v.shape[1 - dim]
    value = torch.linalg.vecdot(p.flatten(), logarithm.flatten()) * negative
    slope = logarithm.addcdiv_(p, shifted, value=1 / math.log(2))
    inner = torch.linalg.vecdot(slope, p, dim=dim).unsqueeze(dim)
    return value, slope.sub_(inner).mul_(share * negative)


class _Sparsity(torch.autograd.Function):
    """Value and gradient at once: a dozen passes over v instead of their graph and its backward pass."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, scale: Tensor | None, l1: float, entropy: float) -> Tensor:
        if scale is not None:
            v = v * scale[:, None]
        rows, gradient = entropy_and_slope(v, 1)
        columns, columns_gradient = entropy_and_slope(v, 0)
        gradient.add_(columns_gradient).mul_(entropy).add_(l1)
        at_scale = None if scale is None else torch.linalg.vecdot(gradient, v) / scale
        ctx.save_for_backward(gradient if scale is None else gradient.mul_(scale[:, None]), at_scale)
        return l1 * v.sum() + entropy * (rows + columns)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        gradient, at_scale = ctx.saved_tensors
        return g * gradient, None if at_scale is None else g * at_scale, None, None
