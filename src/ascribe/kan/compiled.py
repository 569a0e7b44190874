"""A KAN to serve: what it computes, and nothing that it would need to learn or to be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from ascribe.errors import InputError
from ascribe.kan.nodes import multiply
from ascribe.kan.structure import Network
from ascribe.kan.table import EdgeTable, edge_table, live_edges
from ascribe.maths.kernels.native import native
from ascribe.maths.kernels.watch import transformed, watched

if TYPE_CHECKING:
    from ascribe.maths.kernels import _native

# Numbers made at a time where torch does the work: more leave the cache and fault in new pages.
_PIECE = 400_000


@final
class CompiledLayer(nn.Module):
    """A table of edges, the constants that come to their sums, and the products of the nodes above."""

    breaks: Tensor
    starts: Tensor
    inverses: Tensor
    weight: Tensor
    bias: Tensor
    product_bias: Tensor

    def __init__(
        self,
        edges: EdgeTable,
        bias: Float[Tensor, " subnodes"],
        arity: list[int],
        product_bias: Float[Tensor, " products"],
        confined: list[int] | None,
    ) -> None:
        """`confined`: the network's numbers of the inputs, where none may leave its grid."""
        super().__init__()
        self.degree, self.silu, self.arity, self.confined = edges.degree, edges.silu, arity, confined
        tensors = {
            "breaks": edges.breaks,
            "starts": edges.starts,
            "inverses": edges.inverses,
            "weight": edges.weight,
            "bias": bias,
            "product_bias": product_bias,
        }
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor.contiguous())

    def extra_repr(self) -> str:
        inputs, _, outputs = self.weight.shape
        return f"{inputs}, {outputs}, cells={self.starts.shape[1]}, degree={self.degree}, silu={self.silu}"

    def forward(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n nodes"]:
        """Nothing but comparisons, choices and one product of matrices: any device and any exporter has them."""
        z = torch.addmm(self.bias, self._terms(x).flatten(1), self.weight.flatten(0, 1))
        sums = len(self.bias) - sum(self.arity)
        if not self.arity:
            return z
        nodes = multiply(z, sums, self.arity)
        return torch.cat([nodes[:, :sums], nodes[:, sums:] + self.product_bias], 1)

    def table(self, module: Any) -> _native.Table:
        """The same for the compiled kernel, which copies it."""
        inputs, _, outputs = self.weight.shape
        sizes = (inputs, outputs, self.starts.shape[1], self.degree, self.silu, self.confined is not None)
        tensors = (self.breaks, self.starts, self.inverses, self.weight, self.bias, self.product_bias)
        return module.Table(tuple(map(int, sizes)), tuple(t.data_ptr() for t in tensors), self.arity)

    def inside(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n inputs"]:
        """x itself. Where no input may leave its grid: InputError, or in a program that cannot raise, NaN."""
        if self.confined is None:
            return x
        low, high = self.breaks[:, 0], self.breaks[:, -1]
        outside = (x < low) | (x > high)
        if watched(x):
            return torch.where(outside, torch.nan, x)
        found = outside.any(0).nonzero()[:, 0].tolist()
        if found:
            i = found[0]
            raise InputError(
                f"input {self.confined[i]} leaves its grid [{low[i]:.4g}, {high[i]:.4g}] (as do {len(found) - 1}"
                ' others); call update_grid(x) and compile again, or build the network with extrapolate="linear".'
            )
        return x

    def _terms(self, x: Tensor) -> Tensor:
        """(n, inputs, terms); 0 in every cell but the one that x lies in, so that no overflow meets another's 0."""
        passed = x[..., None] >= self.breaks
        every = torch.ones_like(passed[..., :1])
        # What is not a number has passed nothing: it lies in the first cell, and stays what it is.
        chosen = torch.cat([every, passed], -1) & ~torch.cat([passed, ~every], -1)
        u = torch.where(chosen, (x[..., None] - self.starts) * self.inverses, 0.0)
        inner = u[..., 1:-1]
        power, terms = inner, [chosen.to(x.dtype), u]
        for _ in range(self.degree - 1):
            power = power * inner
            terms.append(power)
        if self.silu:
            terms.append((x * torch.sigmoid(x))[..., None])
        return torch.cat(terms, -1)


@final
class CompiledKAN(nn.Module):
    """What `KAN.compiled` returns: the same function of the same columns, from tables of polynomials.

    It keeps no tie to the network, has buffers and no parameters, and is differentiable in its input. Rows go through
    it a few at a time: beside the result it needs memory for its tables and for one small block. Columns and nodes
    that no edge reads are not looked at. Where torch exports it, it is made of torch's plainest operations.
    """

    input_id: Tensor

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.columns, self.outputs = net.columns, net.nodes(net.depth)
        layers, columns = _fold(net)
        self.layers = nn.ModuleList(layers)
        self.register_buffer("input_id", columns.contiguous())
        self._network: _native.Network | None = None
        self.eval()

    def extra_repr(self) -> str:
        return f"columns={self.columns}, outputs={self.outputs}"

    def forward(self, x: Shaped[Tensor, "*batch columns"]) -> Float[Tensor, "*batch outputs"]:
        """Raises InputError for a wrong number of columns, for integers, and where the network would for rows outside
        its grids; what is exported cannot raise, and gives NaN for such a row.
        """
        rows = self._rows(x)
        served = self._serve(rows)
        return (self._by_torch(rows) if served is None else served).reshape(*x.shape[:-1], self.outputs)

    def stream(self, batches: Iterable[Tensor | np.ndarray]) -> Iterator[Tensor | np.ndarray]:
        """The outputs for one batch after another, each of the kind of its batch: for data larger than memory."""
        for batch in batches:
            with torch.no_grad():
                if isinstance(batch, np.ndarray):
                    # A copy of what cannot be written to, as a file mapped for reading: torch would warn of it.
                    rows = torch.from_numpy(batch if batch.flags.writeable else batch.copy())
                    yield self(rows).numpy()
                else:
                    yield self(batch)

    def _rows(self, x: Tensor) -> Float[Tensor, "n columns"]:
        if x.ndim == 0 or x.shape[-1] != self.columns:
            raise InputError(
                f"x has shape {tuple(x.shape)}, but the network takes (*, {self.columns}) columns of data;"
                f" pass exactly {self.columns} columns."
            )
        if not x.is_floating_point():
            raise InputError(f"x has dtype {x.dtype}, but edges are functions of real numbers; pass x.float().")
        return x.reshape(-1, self.columns)

    def _serve(self, x: Tensor) -> Float[Tensor, "n outputs"] | None:
        """By the compiled kernel, where there is one and nobody asks for derivatives or looks on."""
        weight = self._layers[0].weight
        if weight.device.type != "cpu" or weight.dtype not in (torch.float32, torch.float64) or x.device.type != "cpu":
            return None
        if watched(x) or transformed() or (x.requires_grad and torch.is_grad_enabled()):
            return None
        module = native()
        if module is None:
            return None
        network = self._network
        if network is None:
            tables = [layer.table(module) for layer in self._layers]
            network = self._network = module.Network(weight.dtype is torch.float64, tables)
        y = torch.empty(len(x), self.outputs, dtype=weight.dtype)
        # Rows of another dtype are copied; not all of them at once.
        step = max(1, len(x) if x.dtype is weight.dtype else _PIECE // self.columns)
        for first in range(0, len(x), step):
            piece, to = x[first : first + step].to(weight.dtype), y[first : first + step]
            strided = (piece.data_ptr(), *piece.stride())
            if not network.run(len(piece), strided, self.input_id.data_ptr(), to.data_ptr(), torch.get_num_threads()):
                return None  # and torch's way says which input has left its grid
        return y

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> CompiledKAN:
        self._network = None
        return super()._apply(fn, recurse)

    def _load_from_state_dict(self, *args: Any) -> None:
        self._network = None
        super()._load_from_state_dict(*args)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_network": None}

    def _by_torch(self, x: Tensor) -> Float[Tensor, "n outputs"]:
        if watched(x):
            return self._through(x)
        widest = max(layer.weight.shape[0] * layer.weight.shape[1] for layer in self._layers)
        pieces = x.split(max(1, _PIECE // max(1, widest)))
        return torch.cat([self._through(piece) for piece in pieces])

    def _through(self, x: Tensor) -> Tensor:
        values = x.to(self._layers[0].weight.dtype).index_select(1, self.input_id)
        for layer in self._layers:
            values = layer(layer.inside(values))
        return values

    @property
    def _layers(self) -> list[CompiledLayer]:
        return [layer for layer in self.layers if isinstance(layer, CompiledLayer)]


def _fold(net: Network) -> tuple[list[CompiledLayer], Int[Tensor, " inputs"]]:
    """The layers, with the affines in their tables and without what is not read; the columns that are."""
    read = _read(net)
    layers = [_fold_layer(net, l, *read[l : l + 2]) for l in range(net.depth)]
    return layers, net.input_id[read[0]]


def _read(net: Network) -> list[Bool[Tensor, " nodes"]]:
    """For every layer, the nodes that a chain of live edges leads on to an output."""
    read = [torch.ones(net.nodes(net.depth), dtype=torch.bool, device=net.input_id.device)]
    for l in reversed(range(net.depth)):
        live = live_edges(net.layers[l]) & read[0][net.owners(l + 1)]
        read.insert(0, live.any(1))
    return read


def _fold_layer(net: Network, l: int, inputs: Tensor, nodes: Tensor) -> CompiledLayer:
    """A node's scale goes into its first subnode; its bias into its sum, or after its product."""
    layer, owner = net.layers[l], torch.tensor(net.owners(l + 1), device=nodes.device)
    sums = net.width[l + 1][0]
    first = torch.cat([torch.ones_like(owner[:1], dtype=torch.bool), owner.diff() != 0])
    affines = net.subnode_scale[l], net.subnode_bias[l], net.node_scale[l], net.node_bias[l]
    inner_scale, inner_bias, outer_scale, outer_bias = (a.detach().double() for a in affines)
    outer = torch.where(first, outer_scale[owner], 1.0)
    bias = outer * inner_bias + torch.where(owner < sums, outer_bias[owner], 0.0)
    subnodes = nodes[owner]
    edges = edge_table(layer, inputs, subnodes, (outer * inner_scale)[subnodes])
    dtype = layer.coef.dtype
    return CompiledLayer(
        edges.to(dtype),
        bias[subnodes].to(dtype),
        [n for n, kept in zip(net.arity[l + 1], nodes[sums:].tolist(), strict=True) if kept],
        outer_bias[sums:][nodes[sums:]].to(dtype),
        inputs.nonzero()[:, 0].tolist() if layer.extrapolate == "error" else None,
    )
