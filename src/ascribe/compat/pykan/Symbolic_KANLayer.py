"""kan.Symbolic_KANLayer: the native symbolic edges behind pykan's tables of (subnode, input)."""  # noqa: N999

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.compat.pykan._choice import chosen, exchanged
from ascribe.compat.pykan._library import entry, name_of
from ascribe.compat.pykan._names import names_of
from ascribe.compat.pykan._protected import Protected, protected_values
from ascribe.core.arguments import checked
from ascribe.kan.layer import KANLayer
from ascribe.kan.memory import require_columns
from ascribe.kan.symbolic.edges import SymbolicEdges
from ascribe.kan.symbolic.library import function_named

Fun = Callable[[Any], Any]


@checked
class Symbolic_KANLayer(nn.Module):  # noqa: N801 - pykan's name
    """c f(a x + b) + d from every input to every output, 0 where no function is set.

    Its tables are read; `fix_symbolic` (or the network's) writes them.

    >>> layer = Symbolic_KANLayer(3, 2)
    >>> layer.fix_symbolic(2, 1, "sin")
    >>> layer.funs_name
    [['0', '0', '0'], ['0', '0', 'sin']]
    """

    def __init__(self, in_dim: int = 3, out_dim: int = 2, device: torch.device | str = "cpu") -> None:
        super().__init__()
        self.in_dim, self.out_dim = in_dim, out_dim
        self.edges = SymbolicEdges(in_dim, out_dim)
        self._where = torch.device(device)

    @classmethod
    def of(cls, layer: KANLayer) -> Symbolic_KANLayer:
        """A view of a layer's symbolic edges: what is set in it is set in the layer."""
        view = cls(layer.in_dim, layer.out_dim, layer.mask.device)
        view.edges = layer.symbolic
        return view

    def _table(self, entry: Callable[[str], Any], empty: str = "0") -> list[list[Any]]:
        names = [[empty] * self.in_dim for _ in range(self.out_dim)]
        if self.edges:
            for name, i, j in zip(self.edges.names, self.edges.source, self.edges.subnode, strict=True):
                names[int(j)][int(i)] = name
        return [[entry(name) for name in row] for row in names]

    @property
    def funs_name(self) -> list[list[str]]:
        """The name of every function: `funs_name[j][i]`."""
        return self._table(str)

    @property
    def funs(self) -> list[list[Fun]]:
        """The torch function of every edge."""
        return self._table(lambda name: function_named(name).torch)

    @property
    def funs_sympy(self) -> list[list[Fun]]:
        """The sympy function of every edge."""
        return self._table(lambda name: function_named(name).sympy)

    @property
    def funs_avoid_singularity(self) -> list[list[Protected]]:
        """The function of x and y_th of every edge, which has values everywhere."""
        return self._table(lambda name: entry(function_named(name))[3])

    @property
    def device(self) -> torch.device:
        """Where the layer is."""
        return self._where

    @property
    def mask(self) -> Float[Tensor, "outputs inputs"]:
        """1 where a function is set."""
        full = torch.zeros(self.out_dim, self.in_dim, device=self._where)
        if self.edges:
            full[self.edges.subnode, self.edges.source] = 1.0
        return full

    @property
    def affine(self) -> Float[Tensor, "outputs inputs 4"]:
        """a, b, c, d of every edge; 0 where no function is set."""
        edges = self.edges
        if edges.affine is None:
            return torch.zeros(self.out_dim, self.in_dim, 4, device=self._where)
        full = edges.affine.new_zeros(self.out_dim, self.in_dim, 4)
        return full.index_put((edges.subnode, edges.source), edges.affine)

    def forward(
        self, x: Float[Tensor, "n inputs"], singularity_avoiding: bool = False, y_th: float | int = 10.0
    ) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "n outputs inputs"]]:
        """The sums, and every edge; with `singularity_avoiding` functions are bounded by y_th near their poles."""
        require_columns(x, self.in_dim)
        values = protected_values(self.edges, x, y_th) if singularity_avoiding else self.edges.values(x)
        every = x.new_zeros(len(x), self.out_dim, self.in_dim)
        if self.edges:
            rows = torch.arange(len(x), device=x.device)[:, None]
            every = every.index_put((rows, self.edges.subnode, self.edges.source), values)
        return every.sum(2), every

    def fix_symbolic(
        self,
        i: int,
        j: int,
        fun_name: str | Fun,
        x: Float[Tensor, " n"] | None = None,
        y: Float[Tensor, " n"] | None = None,
        random: bool = False,
        a_range: Sequence[float | int] = (-10, 10),
        b_range: Sequence[float | int] = (-10, 10),
        verbose: bool = True,
    ) -> float | None:
        """Make the edge from input i to output j a function: fitted to points, or with 1, 0, 1, 0 (or at `random`).

        The square of the correlation with the points comes back where there are some.
        """
        chosen([i], self.in_dim, "i")
        chosen([j], self.out_dim, "j")
        name = name_of(fun_name)
        if x is not None and y is not None:
            from ascribe.compat.pykan.utils import fit_params

            affine, r2 = fit_params(x, y, function_named(name).torch, a_range, b_range, verbose=verbose)
            self.edges.put(i, j, name, affine)
            return float(r2)
        affine = torch.tensor([1.0, 0.0, 1.0, 0.0])
        if random:
            affine = 2 * torch.rand(4, generator=torch.Generator().manual_seed(i * self.out_dim + j)) - 1
        self.edges.put(i, j, name, affine.to(self._where))
        return None

    def get_subset(self, in_id: Sequence[int], out_id: Sequence[int]) -> Symbolic_KANLayer:
        """The layer between some of the inputs and outputs."""
        new = Symbolic_KANLayer(len(in_id), len(out_id), self._where)
        new.edges = self.edges.select(chosen(in_id, self.in_dim, "in_id"), chosen(out_id, self.out_dim, "out_id"))
        return new

    def swap(self, i1: int, i2: int, mode: str = "in") -> None:
        """Inputs i1 and i2 in each other's place, or outputs with `mode="out"`; in place."""
        inputs, outputs = exchanged(self.in_dim, self.out_dim, i1, i2, mode)
        self.edges.load_state_dict(self.edges.select(inputs, outputs).state_dict())


__getattr__ = names_of(__name__)
