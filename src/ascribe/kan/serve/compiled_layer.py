"""One layer of a compiled network: a table of edges, and the nodes above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ascribe.kan.confined import confined
from ascribe.kan.nodes import multiply
from ascribe.kan.serve.symbolic_table import SymbolicTable
from ascribe.kan.serve.table import EdgeTable

if TYPE_CHECKING:
    from ascribe.maths.kernels import _native


@final
class CompiledLayer(nn.Module):
    """A table of edges, symbolic ones, the constants that come to their sums, and the products of the nodes above."""

    breaks: Tensor
    starts: Tensor
    inverses: Tensor
    weight: Tensor
    bias: Tensor
    product_bias: Tensor
    splined: Tensor

    def __init__(
        self,
        edges: EdgeTable,
        bias: Float[Tensor, " subnodes"],
        arity: list[int],
        product_bias: Float[Tensor, " products"],
        confined: list[int] | None,
        symbolic: SymbolicTable | None,
        splined: Bool[Tensor, " inputs"],
    ) -> None:
        """`confined`: the network's numbers of the inputs, where none that is `splined` may leave its grid."""
        super().__init__()
        self.degree, self.silu, self.arity, self.confined = edges.degree, edges.silu, arity, confined
        tensors = {
            "breaks": edges.breaks,
            "starts": edges.starts,
            "inverses": edges.inverses,
            "weight": edges.weight,
            "bias": bias,
            "product_bias": product_bias,
            "splined": splined,
        }
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor.contiguous())
        self.symbolic = symbolic

    def extra_repr(self) -> str:
        inputs, _, outputs = self.weight.shape
        return f"{inputs}, {outputs}, cells={self.starts.shape[1]}, degree={self.degree}, silu={self.silu}"

    def forward(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n nodes"]:
        """Nothing but comparisons, choices and one product of matrices, beside what symbolic edges are made of: any
        device and any exporter has them.
        """
        terms = self._terms(x.T.contiguous()).flatten(0, 1)
        z = torch.addmm(self.bias[:, None], self.weight.flatten(0, 1).T, terms).T
        if self.symbolic is not None:
            z = z + self.symbolic(x)
        sums = len(self.bias) - sum(self.arity)
        if not self.arity:
            return z
        nodes = multiply(z, sums, self.arity)
        return torch.cat([nodes[:, :sums], nodes[:, sums:] + self.product_bias], 1)

    def table(self, module: Any) -> _native.Table:
        """The same for the compiled kernel, which copies it, and knows no symbolic edges."""
        inputs, _, outputs = self.weight.shape
        sizes = (inputs, outputs, self.starts.shape[1], self.degree, self.silu, self.confined is not None)
        tensors = (self.breaks, self.starts, self.inverses, self.weight, self.bias, self.product_bias)
        return module.Table(tuple(map(int, sizes)), tuple(t.data_ptr() for t in tensors), self.arity)

    def inside(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n inputs"]:
        """x itself. Where no input may leave its grid: InputError, or in a program that cannot raise, NaN."""
        if self.confined is None:
            return x
        ends = self.breaks[:, 0], self.breaks[:, -1]
        advice = 'call update_grid(x) and compile again, or build the network with extrapolate="linear".'
        return confined(x, ends, self.splined, self.confined, advice)

    def _terms(self, x: Float[Tensor, "inputs n"]) -> Float[Tensor, "inputs terms n"]:
        """0 in every cell but the one that x lies in, so that no overflow meets another's 0.

        Samples come last, as everywhere in the kernels: each step is one long operation on vectors.
        """
        x = x[:, None]
        passed = x >= self.breaks[..., None]
        every = torch.ones_like(passed[:, :1])
        # What is not a number has passed nothing: it lies in the first cell, and stays what it is.
        chosen = torch.cat([every, passed], 1) & ~torch.cat([passed, ~every], 1)
        u = torch.where(chosen, (x - self.starts[..., None]) * self.inverses[..., None], 0.0)
        inner = u[:, 1:-1]
        power, terms = inner, [chosen.to(x.dtype), u]
        for _ in range(self.degree - 1):
            power = power * inner
            terms.append(power)
        if self.silu:
            terms.append(x * torch.sigmoid(x))
        return torch.cat(terms, 1)
