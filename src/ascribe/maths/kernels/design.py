"""The terms of a layer as one differentiable operation, closed under differentiation."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels import plain
from ascribe.maths.kernels.basis import Basis, Extrapolate
from ascribe.maths.kernels.forms import form_for
from ascribe.maths.kernels.watch import to_onnx, watched


def design(x: Float[Tensor, "n inputs"], basis: Basis, derivative: int = 0) -> Float[Tensor, "n inputs terms"]:
    """Column 0 is the base function of each input, the others those of its family, all at the given derivative.

    Its derivative in x is itself, one derivative higher: so it can be differentiated to any order, forward and
    backward, mapped and traced. Differentiable in the knots too, where they ask for it.
    Price: O(n inputs knots) time and memory.

    >>> basis = Basis(torch.linspace(-1, 1, 8)[None], order=2, base="identity")
    >>> design(torch.tensor([[0.1]]), basis).sum()    # x, and bases that sum to 1
    tensor(1.1000)
    """
    if (basis.knots.requires_grad and torch.is_grad_enabled()) or to_onnx():
        return plain.design(x, basis, derivative).permute(2, 0, 1)
    if watched(x, basis.knots):
        return _operation(x, basis.knots, *basis.recipe, derivative)
    return _Design.apply(x, basis.knots, *basis.recipe, derivative)


def _evaluate(
    x: Tensor, knots: Tensor, order: int, base: str, extrapolate: Extrapolate, family: str, derivative: int
) -> Tensor:
    """(n, inputs, terms) in memory."""
    basis = Basis(knots, order, base, extrapolate, family)
    found = form_for(x, basis).design(x, basis, derivative)
    return found.permute(2, 0, 1).contiguous()


class _Design(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, knots: Tensor, *recipe: Any) -> Tensor:
        return _evaluate(x, knots, *recipe)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, knots, *ctx.recipe, ctx.derivative = inputs
        ctx.save_for_backward(x, knots)
        ctx.save_for_forward(x, knots)

    @staticmethod
    def _slope(ctx: Any) -> Tensor:
        x, knots = ctx.saved_tensors
        return design(x, Basis(knots, *ctx.recipe), ctx.derivative + 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return (gradient * _Design._slope(ctx)).sum(-1), None, None, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: Any) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return tangent[..., None] * _Design._slope(ctx)

    @staticmethod
    def vmap(  # pyright: ignore[reportIncompatibleMethodOverride]
        info: Any, where: tuple[Any, ...], x: Tensor, knots: Tensor, *recipe: Any
    ) -> tuple[Tensor, int]:
        """A mapped x is only more rows; mapped knots are done one by one."""
        x_at, knots_at = where[:2]
        if knots_at is not None:
            rows = [x.select(x_at, b) if x_at is not None else x for b in range(info.batch_size)]
            grids = knots.unbind(knots_at)
            parts = [_Design.apply(row, grid, *recipe) for row, grid in zip(rows, grids, strict=True)]
            return torch.stack(parts), 0
        mapped = x.movedim(x_at, 0)
        found = _Design.apply(mapped.flatten(0, 1), knots, *recipe)
        return found.unflatten(0, mapped.shape[:2]), 0


_operation = torch.library.custom_op(
    "ascribe::design",
    _evaluate,
    mutates_args=(),
    schema="(Tensor x, Tensor knots, int order, str base, str extrapolate, str family, int derivative) -> Tensor",
)


@_operation.register_fake
def _(x: Tensor, knots: Tensor, order: int, *recipe: Any) -> Tensor:
    return x.new_empty(*x.shape, knots.shape[1] - order)


_operation.register_autograd(_Design.backward, setup_context=_Design.setup_context)
_operation.register_vmap(_Design.vmap)
