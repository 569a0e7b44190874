r"""The symbolic edges of a layer: $c\,f(a x + b) + d$, a few among its inputs and subnodes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ascribe.errors import InputError
from ascribe.kan.state.text_state import from_tensor, to_tensor
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.library import function_named


@final
class SymbolicEdges(nn.Module):
    """Sparse: what there is none of costs nothing. Edges of one function stand side by side and are found together.

    `source` and `subnode` say where every edge is, `names` what it is, `affine` holds its a, b, c, d and is trained.
    All of it is in the state, which may be loaded into a layer that has other symbolic edges, or none, and another
    dtype or device: those of the layer stay, as with every module.
    """

    source: Tensor
    subnode: Tensor
    affine: nn.Parameter | None
    _spelt: Tensor | None
    _like: Tensor  # of no length: the dtype and device of numbers that are loaded where there are none yet

    def __init__(
        self, inputs: int, outputs: int, dtype: torch.dtype | None = None, device: torch.types.Device = "cpu"
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.register_buffer("_like", torch.empty(0, dtype=dtype, device=device), persistent=False)
        for name in ("source", "subnode", "_spelt"):
            self.register_buffer(name, None)
        self.register_parameter("affine", None)
        self.names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def __bool__(self) -> bool:
        return bool(self.names)

    def extra_repr(self) -> str:
        return ", ".join(self.names)

    @property
    def functions(self) -> list[tuple[Function, int]]:
        """The functions as they stand side by side, and how many edges each of them has."""
        return [(function_named(name), len(list(some))) for name, some in groupby(self.names)]

    def values(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n edges"]:
        """Every symbolic edge at its input."""
        if self.affine is None:
            return x.new_zeros(x.shape[0], 0)
        a, b, c, d = self.affine.unbind(1)
        u = torch.addcmul(b, x.index_select(1, self.source), a)
        parts = u.split([count for _, count in self.functions], 1)
        f = torch.cat([function.torch(part) for (function, _), part in zip(self.functions, parts, strict=True)], 1)
        return torch.addcmul(d, f, c)

    def gather(self, values: Float[Tensor, "n edges"]) -> Float[Tensor, "n outputs"]:
        """The values summed at the subnodes that the edges lead to."""
        sums = values.new_zeros(values.shape[0], self.outputs)
        return sums.index_add(1, self.subnode, values) if self else sums

    def forward(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n outputs"]:
        return self.gather(self.values(x))

    def at(self, i: int, j: int) -> int | None:
        """The number of the edge from input i to subnode j, where it is symbolic."""
        if not self:
            return None
        found = ((self.source == i) & (self.subnode == j)).nonzero()[:, 0].tolist()
        return found[0] if found else None

    def put(self, i: int, j: int, function: str | Function, affine: Float[Tensor, "4"]) -> None:
        """Make the edge from input i to subnode j a function; its affine brings dtype and device.

        Raises InputError for a name that the library does not know.
        """
        self.drop(i, j)
        edges = [*self._edges(), (function_named(function).name, i, j, affine.detach())]
        self.hold(sorted(edges, key=lambda edge: edge[:3]))

    def drop(self, i: int, j: int) -> None:
        """Take the function away from the edge from input i to subnode j, where it has one."""
        self.hold([edge for edge in self._edges() if edge[1:3] != (i, j)])

    def keep(self, stays: Bool[Tensor, "inputs outputs"]) -> None:
        """Drop the edges that do not stay."""
        self.hold([edge for edge in self._edges() if bool(stays[edge[1], edge[2]])])

    def select(self, inputs: Sequence[int], outputs: Sequence[int]) -> SymbolicEdges:
        """The edges between these inputs and subnodes, which are numbered anew in the order they are given in."""
        chosen = SymbolicEdges(len(inputs), len(outputs), self._like.dtype, self._like.device)
        source = {i: n for n, i in enumerate(inputs)}
        subnode = {j: n for n, j in enumerate(outputs)}
        kept = [(f, source[i], subnode[j], a) for f, i, j, a in self._edges() if i in source and j in subnode]
        chosen.hold(sorted(kept, key=lambda edge: edge[:3]))
        if chosen.affine is not None and self.affine is not None:
            chosen.affine.requires_grad_(self.affine.requires_grad)
        return chosen

    def _edges(self) -> list[tuple[str, int, int, Tensor]]:
        if self.affine is None:
            return []
        places = zip(self.source.tolist(), self.subnode.tolist(), strict=True)
        return [
            (name, i, j, affine)
            for name, (i, j), affine in zip(self.names, places, self.affine.detach().unbind(0), strict=True)
        ]

    def hold(self, edges: list[tuple[str, int, int, Tensor]]) -> None:
        """Have these edges alone: (name, input, subnode, affine), those of one function side by side."""
        self.names = tuple(name for name, *_ in edges)
        if not edges:
            self.source = self.subnode = self._spelt = self.affine = None  # pyright: ignore[reportAttributeAccessIssue]
            return
        free = self.affine is None or self.affine.requires_grad
        # What inference mode makes could never be trained.
        with torch.inference_mode(False):
            affine = torch.stack([a for *_, a in edges])
            self.source = torch.tensor([i for _, i, _, _ in edges], device=affine.device)
            self.subnode = torch.tensor([j for _, _, j, _ in edges], device=affine.device)
            self._spelt = to_tensor(self.names, affine.device)
            self.affine = nn.Parameter(affine, requires_grad=free)

    def _load_from_state_dict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, state_dict: dict[str, Any], prefix: str, *rest: Any
    ) -> None:
        """Take the shape of the state's edges before their numbers are copied."""
        spelt, source = state_dict.get(prefix + "_spelt"), state_dict.get(prefix + "source")
        subnode, affine = state_dict.get(prefix + "subnode"), state_dict.get(prefix + "affine")
        if spelt is not None and source is not None and subnode is not None and affine is not None:
            names = from_tensor(spelt)
            for name in names:
                function_named(name)
            if not len(names) == len(source) == len(subnode) == len(affine):
                raise InputError(f"the state names {len(names)} symbolic edges of {prefix!r} and places {len(source)}.")
            like = self.affine if self.affine is not None else self._like
            edges = list(zip(names, source.tolist(), subnode.tolist(), affine.detach().to(like), strict=True))
            # Where nothing but numbers changes, the parameter that others hold stays the same one.
            if [edge[:3] for edge in edges] != [edge[:3] for edge in self._edges()]:
                self.hold(edges)
        else:
            self.hold([])
        super()._load_from_state_dict(state_dict, prefix, *rest)
