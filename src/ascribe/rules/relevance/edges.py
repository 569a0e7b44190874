"""The spline layer of a KAN: relevance is shared by what every edge adds to the sum."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.design import design
from ascribe.maths.kernels.edge_sum import edge_sum
from ascribe.rules.calls import Call, operation
from ascribe.rules.linear import OnlyFirst
from ascribe.rules.relevance.epsilon import Epsilon
from ascribe.rules.relevance.layer import ratio
from ascribe.rules.relevance.passing import Passing
from ascribe.rules.rule import Rule
from ascribe.rules.spline import RULES as SPLINE
from ascribe.rules.spline import edge_values


@final
class EdgeSum(Passing):
    r"""$R_i = \sum_j \varphi_{ij}(x_i)\,R_j / (y_j + \epsilon\,\mathrm{sign}\,y_j)$ with $y_j=\sum_i\varphi_{ij}$."""

    def at(self, call: Call) -> Rule:
        OnlyFirst().at(call)
        return self

    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        (x,) = call.values
        basis: Basis = call.argument(1, "basis")
        weight: Tensor = call.argument(2, "weights").folded()
        with torch.no_grad():
            values: Tensor = call.rerun(x)
            terms = design(x, basis).to(weight)
        quotient = ratio(relevance, values, sums.epsilon)
        found = torch.einsum("nim,nj,ijm->ni", terms, quotient, weight)
        if sums.bias == "shared":
            found = found + (relevance - values * quotient).sum(1, keepdim=True) / x.shape[1]
        return (found,)


RULES: dict[str, Rule] = {
    operation(edge_sum).name: SPLINE[operation(edge_sum).name],
    operation(edge_values).name: EdgeSum(),
}
