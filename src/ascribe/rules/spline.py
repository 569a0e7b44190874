"""The spline layer of a KAN: Rescale on every edge, exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import final

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.design import design
from ascribe.maths.kernels.edge_sum import edge_sum
from ascribe.maths.kernels.weights import Weights
from ascribe.rules.calls import Call, Pullback, operation
from ascribe.rules.elementwise import secant
from ascribe.rules.linear import OnlyFirst
from ascribe.rules.rule import Compared, Rule, Written


@final
class EdgeSum(Compared):
    r"""$m_i = \sum_j g_j\,\Delta\varphi_{ij} / \Delta x_i$ for $y_j = \sum_i \varphi_{ij}(x_i)$.

    Every edge is linear in its design, so the quotient is taken of the design's terms, before the sum over outputs:
    the (n, inputs, outputs) values of all edges are never made. In float64, since cells may be narrow.
    """

    def at(self, call: Call) -> Rule:
        OnlyFirst().at(call)
        return self

    def pullback(self, call: Call, inputs: list[Tensor], output: Tensor) -> Pullback:
        x, x0 = call.inputs[0].double(), inputs[0].double()
        basis: Basis = call.argument(1, "basis")
        weight = call.argument(2, "weights").folded()
        exact = replace(basis, knots=basis.knots.double())

        def slope(middle: Tensor) -> Tensor:
            return design(middle.squeeze(-1), exact, 1)

        rise = secant(x.unsqueeze(-1), x0.unsqueeze(-1), design(x, exact), design(x0, exact), slope, "kinked")
        rise = rise.to(output.dtype)
        return lambda gradient: (torch.einsum("nim,nj,ijm->ni", rise, gradient, weight),)


def edge_values(x: Tensor, basis: Basis, weights: Weights) -> Tensor:
    """The sums of the operation alone, as a function with one result that a rule can stand for."""
    tensors = (x, *(t for t in weights if t is not None))
    if has_torch_function(tensors):
        return handle_torch_function(edge_values, tensors, x, basis, weights)
    return edge_sum(x, basis, weights)[0]


def _sum_and_spread(x: Tensor, basis: Basis, weights: Weights, spread: bool = False) -> tuple[Tensor, Tensor | None]:
    still = edge_sum(x.detach(), basis, weights.detach(), True)[1] if spread else None
    return edge_values(x, basis, weights), still


RULES: dict[str, Rule] = {operation(edge_sum).name: Written(_sum_and_spread), operation(edge_values).name: EdgeSum()}
