"""Edges that are a spline and a formula at once, one by one: what the regulariser sees is their sum."""

from __future__ import annotations

from dataclasses import replace
from typing import final

from jaxtyping import Bool, Float, Int
from torch import Tensor

from ascribe.kan.fit.symbols import Symbols
from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.form import Form


@final
class Mixed:
    """The spline parts of such edges of one layer.  Price: all terms of every such edge and row, held at once."""

    def __init__(self, edges: Int[Tensor, " mixed"], symbols: Symbols, basis: Basis, form: Form) -> None:
        self.edges = edges
        self._source, self._subnode = symbols.source[edges], symbols.subnode[edges]
        self._basis, self._form = replace(basis, knots=basis.knots[self._source]), form

    @classmethod
    def of(cls, symbols: Symbols, numeric: Bool[Tensor, "inputs subnodes"], basis: Basis, form: Form) -> Mixed | None:
        """None where no edge is both."""
        edges = numeric[symbols.source, symbols.subnode].nonzero()[:, 0]
        return cls(edges, symbols, basis, form) if len(edges) else None

    def values(
        self, weight: Float[Tensor, "inputs terms subnodes"], inputs: Float[Tensor, "inputs n"]
    ) -> Float[Tensor, "mixed n"]:
        return self._weigh(weight, self._design(inputs, 0))

    def backward(
        self,
        weight: Float[Tensor, "inputs terms subnodes"],
        inputs: Float[Tensor, "inputs n"],
        pulled: Float[Tensor, "mixed n"],
        into: Float[Tensor, "inputs terms subnodes"],
        to_inputs: Float[Tensor, "inputs n"] | None,
    ) -> None:
        """Add the gradient in the weights to `into`, and that in the inputs to `to_inputs` where it is given."""
        into[self._source, :, self._subnode] += (self._design(inputs, 0) @ pulled[..., None])[..., 0]
        if to_inputs is not None:
            to_inputs.index_add_(0, self._source, self._weigh(weight, self._design(inputs, 1)) * pulled)

    def _design(self, inputs: Tensor, derivative: int) -> Float[Tensor, "mixed terms n"]:
        return self._form.design(inputs[self._source].T, self._basis, derivative)

    def _weigh(self, weight: Tensor, design: Tensor) -> Float[Tensor, "mixed n"]:
        return (weight[self._source, :, self._subnode][:, None] @ design)[:, 0]
