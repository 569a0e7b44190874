"""The spline layer of a KAN: Rescale on every edge, exactly."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from ascribe.maths.kernels.design import design
from ascribe.maths.kernels.edge_sum import edge_sum
from ascribe.maths.kernels.recursion import Extrapolate
from ascribe.rules.calls import Call, Pullback, operation
from ascribe.rules.elementwise import secant
from ascribe.rules.linear import OnlyFirst
from ascribe.rules.rule import Replaced, Rule, Written


@final
class EdgeSum(Replaced):
    r"""$m_i = \sum_j g_j\,\Delta\varphi_{ij} / \Delta x_i$ for $y_j = \sum_i \varphi_{ij}(x_i)$.

    Every edge is linear in its design, so the quotient is taken of the design's terms, before the sum over outputs:
    the (n, inputs, outputs) values of all edges are never made. In float64, since cells may be narrow.
    """

    def at(self, call: Call) -> Rule:
        OnlyFirst().at(call)
        return self

    def pullback(self, call: Call, inputs: list[Tensor], output: Tensor) -> Pullback:
        x, x0 = call.inputs[0].double(), inputs[0].double()
        knots, weight, order, base = (call.argument(i, name) for i, name in enumerate(_NAMES, 1))
        extrapolate: Extrapolate = call.argument(5, "extrapolate", "linear")

        def terms(at: Tensor, derivative: int = 0) -> Tensor:
            return design(at, knots.double(), order, base, derivative, extrapolate)

        def slope(middle: Tensor) -> Tensor:
            return terms(middle.squeeze(-1), 1)

        rise = secant(x.unsqueeze(-1), x0.unsqueeze(-1), terms(x), terms(x0), slope, "kinked").to(output.dtype)
        return lambda gradient: (torch.einsum("nim,nj,ijm->ni", rise, gradient, weight),)


_NAMES = ("knots", "weight", "order", "base")


def _sum(
    x: Tensor, knots: Tensor, weight: Tensor, order: int, base: str, extrapolate: Extrapolate = "linear"
) -> Tensor:
    """The sums of the operation alone, as a function with one result that a rule can stand for."""
    if has_torch_function((x, knots, weight)):
        return handle_torch_function(_sum, (x, knots, weight), x, knots, weight, order, base, extrapolate)
    return edge_sum(x, knots, weight, order, base, extrapolate)[0]


def _sum_and_spread(
    x: Tensor,
    knots: Tensor,
    weight: Tensor,
    order: int,
    base: str,
    extrapolate: Extrapolate = "linear",
    spread: bool = False,
) -> tuple[Tensor, Tensor | None]:
    still = edge_sum(x.detach(), knots, weight.detach(), order, base, extrapolate, True)[1] if spread else None
    return _sum(x, knots, weight, order, base, extrapolate), still


RULES: dict[str, Rule] = {operation(edge_sum).name: Written(_sum_and_spread), operation(_sum).name: EdgeSum()}
