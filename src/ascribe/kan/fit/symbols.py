r"""Symbolic edges $c\,f(a x + b) + d$ inside the objective: values and gradients, laid out (edges, n)."""

from __future__ import annotations

import math
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.symbolic.edges import SymbolicEdges


class SymbolTrace(NamedTuple):
    """What the edges of a layer leave on the way up: x, f(u) and f'(u) at u = a x + b."""

    x: Float[Tensor, "edges n"]
    f: Float[Tensor, "edges n"]
    slope: Float[Tensor, "edges n"]

    def of(self, rows: slice) -> SymbolTrace:
        return SymbolTrace(*(part[:, rows] for part in self))


@final
class Symbols:
    """The symbolic edges of one layer; all that share a function are evaluated in one call of it."""

    def __init__(self, edges: SymbolicEdges) -> None:
        self.source, self.subnode = edges.source, edges.subnode
        self._functions = [function.torch for function, _ in edges.functions]
        self._counts = [count for _, count in edges.functions]

    def forward(
        self, affine: Float[Tensor, "edges 4"], inputs: Float[Tensor, "inputs n"], slopes: bool = True
    ) -> SymbolTrace:
        """The trace at these inputs; `slope` means nothing unless it is asked for."""
        a, b, _, _ = affine[..., None].unbind(1)
        x = inputs[self.source]
        return SymbolTrace(x, *self._evaluate(torch.addcmul(b, a, x), slopes))

    def _evaluate(self, u: Float[Tensor, "edges n"], slopes: bool) -> tuple[Tensor, Tensor]:
        leaf = u.detach().requires_grad_(slopes)
        with torch.set_grad_enabled(slopes):
            parts = zip(self._functions, leaf.split(self._counts), strict=True)
            f = torch.cat([function(part) for function, part in parts])
        if not f.requires_grad:
            return f, torch.zeros_like(f)
        (slope,) = torch.autograd.grad(f, leaf, torch.ones_like(f), allow_unused=True, materialize_grads=True)
        f = f.detach()
        # Where a function has no slope (the root at 0) the row says nothing about the affine.
        if not math.isfinite(float(slope.sum())):
            slope = torch.where(slope.isfinite() | ~f.isfinite(), slope, 0.0)
        return f, slope

    def values(self, affine: Float[Tensor, "edges 4"], trace: SymbolTrace) -> Float[Tensor, "edges n"]:
        return torch.addcmul(affine[:, 3:], affine[:, 2:3], trace.f)

    def add(
        self, affine: Float[Tensor, "edges 4"], trace: SymbolTrace, sums: Float[Tensor, "subnodes n"]
    ) -> Float[Tensor, "subnodes n"]:
        """The sums with these edges' values in them."""
        return sums.index_add(0, self.subnode, self.values(affine, trace))

    def backward(
        self,
        affine: Float[Tensor, "edges 4"],
        trace: SymbolTrace,
        pulled: Float[Tensor, "edges n"],
        into: Float[Tensor, "edges 4"],
    ) -> Float[Tensor, "edges n"]:
        """The gradient in every edge's x; that in the affines is written to `into`."""
        a, _, c, _ = affine[..., None].unbind(1)
        inner = pulled * trace.slope * c
        into[:, 0] = torch.linalg.vecdot(inner, trace.x)
        into[:, 1] = inner.sum(1)
        into[:, 2] = torch.linalg.vecdot(pulled, trace.f)
        into[:, 3] = pulled.sum(1)
        return inner * a

    def to_inputs(
        self,
        affine: Float[Tensor, "edges 4"],
        trace: SymbolTrace,
        pulled: Float[Tensor, "*probes subnodes n"],
        into: Float[Tensor, "*probes inputs n"],
    ) -> None:
        """Add to `into` what a gradient in the sums makes in the inputs."""
        steep = trace.slope * (affine[:, 2] * affine[:, 0])[:, None]
        into.index_add_(-2, self.source, pulled.index_select(-2, self.subnode) * steep)

    def columns(self, affine: Float[Tensor, "edges 4"], trace: SymbolTrace) -> Float[Tensor, "edges 4 n"]:
        """How every edge moves with its a, b, c and d."""
        steep = trace.slope * affine[:, 2:3]
        return torch.stack([steep * trace.x, steep, trace.f, torch.ones_like(steep)], 1)
