"""Products of tensors that both depend on the input: the symmetric product rule."""

from __future__ import annotations

from functools import reduce
from typing import Any, final

import torch
from torch import Tensor

from ascribe.rules.calls import Call, Pullback, operation
from ascribe.rules.elementwise import Rescale
from ascribe.rules.parts import gated
from ascribe.rules.rule import LINEAR, Compared, Rule, Written


@final
class Midpoint(Compared):
    r"""The derivative halfway, at $(x + x_0) / 2$: exact for a function that is at most quadratic.

    For a product, $\Delta(ab) = \bar b\,\Delta a + \bar a\,\Delta b$: each factor is credited at the mean of the other,
    which is the Shapley value of the two factors.
    """

    def pullback(self, call: Call, inputs: list[Tensor], output: Tensor) -> Pullback:
        # Now and not in the backward pass, since the network may have set its own context (autocast).
        with torch.enable_grad():
            middles = [((x + x0) / 2).requires_grad_() for x, x0 in zip(call.inputs, inputs, strict=True)]
            halfway = call.rerun(*middles)
        # More than one backward pass may come through here.
        return lambda gradient: torch.autograd.grad(halfway, middles, gradient, retain_graph=True)


@final
class Product(Rule):
    """Linear while one factor depends on the input, quadratic with two; refused with three."""

    def at(self, call: Call) -> Rule:
        if len(call.inputs) > 2 and call.operation.name in {"einsum", "bilinear"}:
            raise call.refuse("three of its factors depend on the input", "write it as products of two tensors")
        return LINEAR if len(call.inputs) < 2 else Midpoint()


@final
class Quotient(Rule):
    """Linear in the numerator, a function of one number in the denominator; with both, product and reciprocal."""

    def at(self, call: Call) -> Rule:
        if call.argument(2, "rounding_mode") is not None:
            return Rescale("kinked").at(call)
        if len(call.inputs) == 2:
            return Written(_quotient)
        return LINEAR if isinstance(call.args[0], Tensor) and call.depends[0] else Rescale("singular")


def _quotient(input: Tensor, other: Tensor, *, rounding_mode: None = None) -> Tensor:
    return input * torch.reciprocal(other)


def _addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1.0) -> Tensor:
    return input + value * (tensor1 / tensor2)


def _prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: torch.dtype | None = None) -> Tensor:
    values = input if dtype is None else input.to(dtype)
    values, axis = (values.flatten(), 0) if dim is None else (values, dim)
    product = reduce(torch.mul, values.unbind(axis))
    return product.unsqueeze(axis) if keepdim and dim is not None else product


def _chain(*matrices: Any) -> Tensor:
    return reduce(torch.matmul, matrices[0] if len(matrices) == 1 else matrices)


_PRODUCTS = """
    mul multiply rmul matmul rmatmul mm bmm mv dot vdot inner outer ger kron einsum tensordot linear bilinear addmm
    addmv addbmm baddbmm addr addcmul lerp cross linalg_cross linalg_vecdot conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d convolution
"""

RULES: dict[str, Rule] = {
    operation(gated).name: Product(),
    **{name: Product() for name in _PRODUCTS.split()},
    **{name: Quotient() for name in ("div", "divide", "true_divide")},
    "square": Midpoint(),
    "addcdiv": Written(_addcdiv),
    "prod": Written(_prod),
    "chain_matmul": Written(_chain),
    "linalg_multi_dot": Written(_chain),
}
