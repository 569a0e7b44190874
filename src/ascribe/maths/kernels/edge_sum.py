r"""The one spline operation: the sums of the edges of a layer, and the spread of every edge, in one pass.

Edge (i, j) is $\varphi_{ij}(x) = w_{ij0}\,b(x) + \sum_m w_{ijm} B_{im}(x)$: the design $\Phi_i$ of its input times
$w_{ij}$. The sums are one matrix product. The spread, the standard deviation of an edge over the batch, is
$\sqrt{w_{ij}^\top \mathrm{Cov}(\Phi_i)\, w_{ij}}$: the (n, inputs, outputs) values of all edges are never made.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from ascribe.maths.kernels.design import Design, design, prepare
from ascribe.maths.kernels.recursion import Extrapolate, tracing

# Rows that a pass without gradient holds at a time: its memory does not grow with the data.
_ROWS = 8192


def edge_sum(
    x: Float[Tensor, "n inputs"],
    knots: Float[Tensor, "inputs knots"],
    weight: Float[Tensor, "inputs outputs terms"],
    order: int,
    base: str,
    extrapolate: Extrapolate = "linear",
    spread: bool = False,
) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "inputs outputs"] | None]:
    r"""$y_j = \sum_i \varphi_{ij}(x_i)$ and, on request, the spread of every edge (unbiased; 0 below two rows).

    Term 0 of `weight` belongs to the base function, the others to the B-splines. Differentiable in x and weight to any
    order. A row with NaN gives NaN. Price: O(n inputs knots) for the design, O(n inputs outputs terms) for the product.
    """
    if has_torch_function((x, knots, weight)):
        return handle_torch_function(
            edge_sum, (x, knots, weight), x, knots, weight, order, base, extrapolate=extrapolate, spread=spread
        )
    if tracing():
        return _traceable(x, knots, weight, order, base, extrapolate, spread)
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
        y, s = _EdgeSum.apply(x, knots, weight, order, base, extrapolate, spread)
        return y, s if spread else None
    if spread or len(x) <= _ROWS:
        return _contract(prepare(x, knots, order, base, extrapolate, slopes=False, moments=spread), weight.detach())
    y = x.new_empty(weight.shape[1], len(x))
    for start in range(0, len(x), _ROWS):
        piece = slice(start, start + _ROWS)
        part = prepare(x[piece], knots, order, base, extrapolate, slopes=False, moments=False)
        torch.mm(_stacked(weight.detach()).T, part.values.flatten(0, 1), out=y[:, piece])
    return y.T, None


def contract(
    prepared: Design, weight: Float[Tensor, "inputs outputs terms"]
) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "inputs outputs"] | None]:
    """`edge_sum` for inputs whose design was prepared before (as for fixed training data); gradients in weight only."""
    if torch.is_grad_enabled() and weight.requires_grad:
        y, s = _Contract.apply(prepared, weight)
        return y, s if prepared.covariance is not None else None
    return _contract(prepared, weight.detach())


def _stacked(weight: Tensor) -> Tensor:
    """(inputs, outputs, terms) as the (inputs * terms, outputs) matrix of the product."""
    return weight.mT.reshape(-1, weight.shape[1])


def _contract(prepared: Design, weight: Tensor) -> tuple[Tensor, Tensor | None]:
    y = torch.mm(_stacked(weight).T, prepared.values.flatten(0, 1)).T
    if prepared.covariance is None:
        return y, None
    return y, _spread(prepared.covariance, weight)


def _spread(covariance: Tensor, weight: Tensor) -> Tensor:
    exact = weight.double()
    return (exact @ covariance).mul_(exact).sum(-1).clamp_(min=0).sqrt_().to(weight.dtype)


def _traceable(
    x: Tensor, knots: Tensor, weight: Tensor, order: int, base: str, extrapolate: Extrapolate, spread: bool
) -> tuple[Tensor, Tensor | None]:
    """The same in operations that torch itself differentiates, maps and traces."""
    phi = design(x, knots, order, base, 0, extrapolate)
    y = phi.flatten(1) @ _stacked(weight)
    if not spread:
        return y, None
    centred = phi - phi.mean(0, keepdim=True)
    edges = torch.einsum("nim,ijm->nij", centred, weight)
    variance = edges.square().sum(0) / max(1, len(x) - 1)
    still = variance == 0
    return y, torch.where(still, 0.0, torch.where(still, 1.0, variance).sqrt())


def _weight_gradient(prepared: Design, weight: Tensor, gy: Tensor, pull: Tensor | None) -> Tensor:
    inputs, terms, _ = prepared.values.shape
    gradient = torch.mm(prepared.values.flatten(0, 1), gy).view(inputs, terms, -1).mT
    if pull is not None and prepared.covariance is not None:
        gradient = gradient + (weight.double() @ prepared.covariance).to(weight.dtype).mul_(pull[..., None])
    return gradient


def _pull(gs: Tensor, s: Tensor) -> Tensor:
    """gs / s, and 0 for an edge that does not move: there the spread has no slope, and 0 is one of its subgradients."""
    return torch.where(s > 0, gs / s, 0.0)


class _Contract(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, prepared: Design, weight: Tensor) -> tuple[Tensor, Tensor]:
        y, s = _contract(prepared, weight)
        s = weight.new_zeros(()) if s is None else s
        ctx.prepared = prepared
        ctx.save_for_backward(weight, s)
        return y, s

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gy: Tensor, gs: Tensor) -> tuple[None, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        weight, s = ctx.saved_tensors
        pull = None if ctx.prepared.covariance is None else _pull(gs, s)
        return None, _weight_gradient(ctx.prepared, weight, gy, pull)


class _EdgeSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        knots: Tensor,
        weight: Tensor,
        order: int,
        base: str,
        extrapolate: Extrapolate,
        spread: bool,
    ) -> tuple[Tensor, Tensor]:
        prepared = prepare(x, knots, order, base, extrapolate, slopes=ctx.needs_input_grad[0], moments=spread)
        y, s = _contract(prepared, weight)
        s = weight.new_zeros(()) if s is None else s
        ctx.prepared = prepared
        ctx.recipe = (order, base, extrapolate, spread)
        ctx.save_for_backward(x, knots, weight, s)
        return y, s

    @staticmethod
    def backward(ctx: Any, gy: Tensor, gs: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, knots, weight, s = ctx.saved_tensors
        needed = ctx.needs_input_grad[0], ctx.needs_input_grad[2]
        if torch.is_grad_enabled():
            gx, gw = _differentiable_gradients(ctx.recipe, x, knots, weight, gy, gs, needed)
            return gx, None, gw, None, None, None, None
        pull = _pull(gs, s) if ctx.recipe[-1] else None
        gw = _weight_gradient(ctx.prepared, weight, gy, pull) if needed[1] else None
        gx = _input_gradient(ctx.prepared, weight, gy, pull) if needed[0] else None
        return gx, None, gw, None, None, None, None


def _input_gradient(prepared: Design, weight: Tensor, gy: Tensor, pull: Tensor | None) -> Tensor:
    inputs, terms, n = prepared.values.shape
    assert prepared.slopes is not None
    towards = torch.mm(_stacked(weight), gy.T).view(inputs, terms, n)
    if pull is not None and prepared.mean is not None:
        # d spread_ij = (w_ij . phi_i - its mean) (w_ij . d phi_i) / ((n - 1) spread_ij), summed over outputs at once.
        mixing = (weight.mT * pull[:, None]) @ weight / max(1, n - 1)
        towards.baddbmm_(mixing, prepared.values).sub_(mixing @ prepared.mean[..., None])
    return towards.mul_(prepared.slopes).sum(1).T


def _differentiable_gradients(
    recipe: tuple[int, str, Extrapolate, bool],
    x: Tensor,
    knots: Tensor,
    weight: Tensor,
    gy: Tensor,
    gs: Tensor,
    needed: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None]:
    """The same gradients with a graph of their own, for derivatives of derivatives."""
    y, s = _traceable(x, knots, weight, *recipe)
    outputs = [(y, gy)] if s is None else [(y, gy), (s, gs)]
    inputs = [t for t, need in zip((x, weight), needed, strict=True) if need]
    found = iter(
        torch.autograd.grad(
            [o for o, _ in outputs], inputs, [g for _, g in outputs], create_graph=True, materialize_grads=True
        )
    )
    gx, gw = (next(found) if need else None for need in needed)
    return gx, gw
