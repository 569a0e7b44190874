r"""The one spline operation: the sums of the edges of a layer, and the spread of every edge, in one pass.

Two ways lead to the same numbers. The usual one is fused: one call forward, one backward, nothing of the size of rows
times inputs times terms. For derivatives of derivatives, forward mode and maps, the operation is composed of the design
of its inputs, which is closed under differentiation, and torch's own products.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from ascribe.maths.kernels.basis import Basis, Extrapolate
from ascribe.maths.kernels.design import design
from ascribe.maths.kernels.form import Moments
from ascribe.maths.kernels.forms import form_for
from ascribe.maths.kernels.watch import to_onnx, transformed, watched
from ascribe.maths.kernels.weights import Weights


def edge_sum(
    x: Float[Tensor, "n inputs"], basis: Basis, weights: Weights, spread: bool = False
) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "inputs outputs"] | None]:
    r"""$y_j = \sum_i \varphi_{ij}(x_i)$ and, on request, the spread of every edge (unbiased; 0 below two rows).

    Differentiable in x and the weights (and the knots, where they ask for it) to any order, forward and backward,
    compiled, exported and mapped. A row with NaN gives NaN, one with infinity NaN or infinity.
    Price: O(n inputs outputs order) time; memory for y, and for (inputs, terms, terms) numbers with the spread.
    """
    tensors = tuple(t for t in (x, basis.knots, *weights) if t is not None)
    if has_torch_function(tensors):
        return handle_torch_function(edge_sum, tensors, x, basis, weights, spread)
    recipe = (*basis.recipe, spread)
    if (torch.is_grad_enabled() and basis.knots.requires_grad) or to_onnx():
        return _composed(x, basis, weights, spread)
    if watched(*tensors):
        y, s, *_ = _operation(x, basis.knots, *weights, *recipe)
    elif transformed():
        return _composed(x, basis, weights, spread)
    elif torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        y, s, *_ = _EdgeSum.apply(x, basis.knots, *weights, *recipe)
    else:
        y, s, *_ = _forward(x, basis.knots, *weights, *recipe)
    return y, s if spread else None


def _composed(x: Tensor, basis: Basis, weights: Weights, spread: bool) -> tuple[Tensor, Tensor | None]:
    """The same in operations that are differentiable to any order."""
    phi, folded = design(x, basis), weights.folded()
    y = torch.einsum("nit,ijt->nj", phi, folded)
    if not spread:
        return y, None
    centred = phi - phi.mean(0, keepdim=True)
    edges = torch.einsum("nit,ijt->nij", centred, folded)
    variance = edges.square().sum(0) / max(1, len(x) - 1)
    still = variance == 0
    return y, torch.where(still, 0.0, torch.where(still, 1.0, variance).sqrt())


def _forward(
    x: Tensor,
    knots: Tensor,
    base: Tensor,
    coef: Tensor,
    scale: Tensor | None,
    mask: Tensor | None,
    order: int,
    base_fun: str,
    extrapolate: Extrapolate,
    family: str,
    spread: bool,
) -> tuple[Tensor, ...]:
    """The sums, the spreads, and the mean and covariance of the terms; the last three empty where not asked for."""
    basis, weights = Basis(knots, order, base_fun, extrapolate, family), Weights(base, coef, scale, mask)
    form = form_for(x, basis)
    y, moments = form.forward(x, basis, weights, moments=spread)
    if moments is None:
        return y.contiguous(), *(x.new_empty(0, dtype=d) for d in (x.dtype, torch.float64, torch.float64))
    return y.contiguous(), form.spreads(weights, moments), *moments


def _backward(
    gy: Tensor,
    gs: Tensor | None,
    x: Tensor,
    knots: Tensor,
    base: Tensor,
    coef: Tensor,
    scale: Tensor | None,
    mask: Tensor | None,
    spreads: Tensor,
    mean: Tensor,
    covariance: Tensor,
    order: int,
    base_fun: str,
    extrapolate: Extrapolate,
    family: str,
    to_x: bool,
    to_weights: bool,
) -> tuple[Tensor, ...]:
    """The gradients in x, base, coef and scale; empty where not asked for."""
    weights = Weights(base, coef, scale, mask)
    pull = moments = None
    if gs is not None:
        # An edge that does not move has no slope; 0 is one of its subgradients.
        pull, moments = torch.where(spreads > 0, gs / spreads, 0.0), Moments(mean, covariance)
    basis = Basis(knots, order, base_fun, extrapolate, family)
    gx, gw = form_for(x, basis).backward(gy, x, basis, weights, pull, moments, to_x=to_x, to_weights=to_weights)
    found = (gx, *(gw[:3] if gw is not None else (None, None, None)))
    return tuple(map(_as_it_lies, found, (x, base, coef, scale)))


def _as_it_lies(gradient: Tensor | None, t: Tensor | None) -> Tensor:
    """With the strides of what it is the gradient in, as an optimiser's fused step asks for; empty for none."""
    if gradient is None or t is None:
        return torch.empty(0)
    like = torch.empty_like(t)
    return gradient if gradient.stride() == like.stride() else like.copy_(gradient)


class _EdgeSum(torch.autograd.Function):
    forward = staticmethod(_forward)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        tensors, ctx.recipe = inputs[:6], inputs[6:]
        ctx.mark_non_differentiable(*output[2:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, *output[1:])

    @staticmethod
    def backward(ctx: Any, gy: Tensor | None, gs: Tensor | None, *_: Any) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, knots, base, coef, scale, mask, *seen = ctx.saved_tensors
        *recipe, spread = ctx.recipe
        to_x, _, *to_weights = ctx.needs_input_grad[:5]
        toward: Tensor = x.new_zeros(x.shape[0], base.shape[1]) if gy is None else gy
        pulled = (toward,) if gs is None else (toward, gs)
        if (torch.is_grad_enabled() or transformed(*pulled)) and not watched(x):
            found = _gradients_composed(ctx, toward, gs)
        else:
            call: Any = _backward_operation if watched(toward, x) else _backward
            found = call(
                toward, gs if spread else None, x, knots, base, coef, scale, mask, *seen,
                *recipe, to_x, any(to_weights),
            )  # fmt: skip
        gx, *gw = found
        needed = (to_x, *to_weights)
        gx, *gw = (g if need else None for g, need in zip((gx, *gw), needed, strict=True))
        return gx, None, *gw, None, None, None, None, None, None


def _gradients_composed(ctx: Any, gy: Tensor, gs: Tensor | None) -> tuple[Tensor | None, ...]:
    """The same gradients with a graph of their own, for derivatives of derivatives."""
    x, knots, *given = ctx.saved_tensors[:6]
    *recipe, spread = ctx.recipe
    further = torch.is_grad_enabled()
    with torch.enable_grad():
        y, s = _composed(x, Basis(knots, *recipe), Weights(*given), spread)
    outputs = [(y, gy)] if s is None or gs is None else [(y, gy), (s, gs)]
    needs = (ctx.needs_input_grad[0], *ctx.needs_input_grad[2:5])
    inputs = [t for t, need in zip((x, *given[:3]), needs, strict=True) if need]
    found = iter(
        torch.autograd.grad(
            [o for o, _ in outputs], inputs, [g for _, g in outputs], create_graph=further, materialize_grads=True
        )
    )
    return tuple(next(found) if need else None for need in needs)


_TENSORS = "Tensor x, Tensor knots, Tensor base, Tensor coef, Tensor? scale, Tensor? mask"
_RECIPE = "int order, str base_fun, str extrapolate, str family"

_operation = torch.library.custom_op(
    "ascribe::edge_sum",
    _forward,
    mutates_args=(),
    schema=f"({_TENSORS}, {_RECIPE}, bool spread) -> (Tensor, Tensor, Tensor, Tensor)",
)
_backward_operation = torch.library.custom_op(
    "ascribe::edge_sum_backward",
    _backward,
    mutates_args=(),
    schema=f"(Tensor gy, Tensor? gs, {_TENSORS}, Tensor spreads, Tensor mean, Tensor covariance, {_RECIPE},"
    " bool to_x, bool to_weights) -> (Tensor, Tensor, Tensor, Tensor)",
)


@_operation.register_fake
def _(x: Tensor, knots: Tensor, base: Tensor, *rest: Any) -> tuple[Tensor, ...]:
    order, *_, spread = rest[-5:]
    inputs, terms = knots.shape[0], knots.shape[1] - order
    shapes = (base.shape, (inputs, terms), (inputs, terms, terms)) if spread else (0, 0, 0)
    dtypes = (x.dtype, torch.float64, torch.float64)
    seen = (x.new_empty(shape, dtype=dtype) for shape, dtype in zip(shapes, dtypes, strict=True))
    return x.new_empty(x.shape[0], base.shape[1]), *seen


@_backward_operation.register_fake
def _(
    gy: Tensor,
    gs: Tensor | None,
    x: Tensor,
    knots: Tensor,
    base: Tensor,
    coef: Tensor,
    scale: Tensor | None,
    *rest: Any,
) -> tuple[Tensor, ...]:
    to_x, to_weights = rest[-2:]
    needed = (to_x, to_weights, to_weights, to_weights)
    return tuple(
        torch.empty_like(t) if t is not None and need else torch.empty(0)
        for t, need in zip((x, base, coef, scale), needed, strict=True)
    )


def _mapped(info: Any, where: tuple[Any, ...], *arguments: Any) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
    """Row by row of the map: the moments belong to one batch each."""
    rows = [
        [a if at is None else a.select(at, b) for a, at in zip(arguments, where, strict=True)]
        for b in range(info.batch_size)
    ]
    results = [_operation(*row) for row in rows]
    return tuple(torch.stack(parts) for parts in zip(*results, strict=True)), (0, 0, 0, 0)


_operation.register_autograd(_EdgeSum.backward, setup_context=_EdgeSum.setup_context)
_operation.register_vmap(_mapped)
