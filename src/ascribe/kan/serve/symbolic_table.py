"""The symbolic edges of a layer of a compiled network: the functions themselves, with the affines above folded in."""

from __future__ import annotations

from itertools import groupby
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ascribe.kan.layer import KANLayer
from ascribe.kan.symbolic.library import function_named


@final
class SymbolicTable(nn.Module):
    """As `SymbolicEdges`, for reading only: buffers in the place of parameters."""

    source: Tensor
    subnode: Tensor
    affine: Tensor

    def __init__(
        self, names: tuple[str, ...], source: Tensor, subnode: Tensor, affine: Float[Tensor, "edges 4"], outputs: int
    ) -> None:
        super().__init__()
        self.names, self.outputs = names, outputs
        for name, tensor in (("source", source), ("subnode", subnode), ("affine", affine)):
            self.register_buffer(name, tensor.detach().contiguous())

    @classmethod
    def of(
        cls,
        layer: KANLayer,
        inputs: Bool[Tensor, " inputs"],
        outputs: Bool[Tensor, " outputs"],
        scale: Float[Tensor, " kept_outputs"],
    ) -> SymbolicTable | None:
        """The layer's symbolic edges between the inputs and outputs to keep, times a scale an output; None of none."""
        kept = layer.symbolic.select(inputs.nonzero()[:, 0].tolist(), outputs.nonzero()[:, 0].tolist())
        if kept.affine is None:
            return None
        affine = kept.affine.detach().double()
        affine = torch.cat([affine[:, :2], affine[:, 2:] * scale[kept.subnode][:, None]], 1)
        return cls(kept.names, kept.source, kept.subnode, affine.to(layer.coef.dtype), kept.outputs)

    def extra_repr(self) -> str:
        return ", ".join(self.names)

    def forward(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n outputs"]:
        a, b, c, d = self.affine.unbind(1)
        u = torch.addcmul(b, x.index_select(1, self.source), a)
        functions = [(function_named(name), len(list(some))) for name, some in groupby(self.names)]
        parts = u.split([count for _, count in functions], 1)
        f = torch.cat([function.torch(part) for (function, _), part in zip(functions, parts, strict=True)], 1)
        return x.new_zeros(x.shape[0], self.outputs).index_add(1, self.subnode, torch.addcmul(d, f, c))
