"""A KAN to serve: what it computes, and nothing that it would need to learn or to be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from ascribe.kan.memory import require_columns
from ascribe.kan.serve.compiled_layer import CompiledLayer
from ascribe.kan.serve.fold import fold
from ascribe.kan.structure import Network
from ascribe.maths.kernels.native import native
from ascribe.maths.kernels.watch import transformed, watched

if TYPE_CHECKING:
    from ascribe.maths.kernels import _native

# Numbers made at a time where torch does the work: on a CPU, more leave the cache and fault in new pages; elsewhere,
# fewer are done before the next ones have been asked for.
_PIECE, _PIECE_ELSEWHERE = 400_000, 40_000_000


@final
class CompiledKAN(nn.Module):
    """What `KAN.compiled` returns: the same function of the same columns, from tables of polynomials.

    It keeps no tie to the network, has buffers and no parameters, and is differentiable in its input. Rows go through
    it a few at a time: beside the result it needs memory for its tables and for one small block. Columns and nodes
    that no edge reads are not looked at. Where torch exports it, it is made of torch's plainest operations.

    B-splines and symbolic edges are what they were, to rounding. An edge of another family is off by at most 1e-8 of
    the largest value of its layer's edges (1e-12 in float64), on as many cells as that takes. With symbolic edges the
    work is torch's, not the compiled kernel's.
    """

    input_id: Tensor

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.columns, self.outputs = net.columns, net.nodes(net.depth)
        layers, columns = fold(net)
        self.layers = nn.ModuleList(layers)
        self.register_buffer("input_id", columns.contiguous())
        # Made by the first call, and again for other buffers.
        self._network: tuple[_native.Network | None, torch.dtype] | None = None
        self.register_load_state_dict_post_hook(_forget)
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
            # A copy of what cannot be written to, as a file mapped for reading: torch would warn of it.
            rows = batch if isinstance(batch, Tensor) else torch.from_numpy(np.require(batch, requirements="W"))
            with torch.no_grad():
                y = self(rows)
            yield y if isinstance(batch, Tensor) else y.numpy()

    def _rows(self, x: Tensor) -> Float[Tensor, "n columns"]:
        require_columns(x, self.columns)
        return x.reshape(-1, self.columns)

    def _serve(self, x: Tensor) -> Float[Tensor, "n outputs"] | None:
        """By the compiled kernel, where there is one and nobody asks for derivatives or looks on."""
        if not x.is_cpu or watched(x) or transformed() or (x.requires_grad and torch.is_grad_enabled()):
            return None
        if self._network is None:
            self._network = self._laid_out()
        network, dtype = self._network
        if network is None:
            return None
        y = torch.empty(x.shape[0], self.outputs, dtype=dtype)
        # Rows of another dtype are copied; not all of them at once.
        step = max(1, _PIECE // self.columns)
        pieces = ((x, y),) if x.dtype is dtype else zip(x.split(step), y.split(step), strict=True)
        for rows, to in pieces:
            rows = rows.to(dtype)
            strides = rows.stride()
            where = (rows.data_ptr(), strides[0], strides[1])
            if not network.run(rows.shape[0], where, to.data_ptr(), torch.get_num_threads()):
                return None  # and torch's way says which input has left its grid
        return y

    def _laid_out(self) -> tuple[_native.Network | None, torch.dtype]:
        """The tables as the compiled kernel lays them out, where there is one for them."""
        weight = self._layers[0].weight
        if not weight.is_cpu or weight.dtype not in (torch.float32, torch.float64):
            return None, weight.dtype
        module = native()
        if module is None or any(layer.symbolic is not None for layer in self._layers):
            return None, weight.dtype
        tables = [layer.table(module) for layer in self._layers]
        return module.Network(weight.dtype is torch.float64, tables, self.input_id.tolist()), weight.dtype

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> CompiledKAN:
        self._network = None
        return super()._apply(fn, recurse)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_network": None}

    def _by_torch(self, x: Tensor) -> Float[Tensor, "n outputs"]:
        if watched(x):
            return self._through(x)
        widest = max(layer.weight.shape[0] * layer.weight.shape[1] for layer in self._layers)
        piece = _PIECE if x.device.type == "cpu" else _PIECE_ELSEWHERE
        pieces = x.split(max(1, piece // max(1, widest)))
        return torch.cat([self._through(piece) for piece in pieces])

    def _through(self, x: Tensor) -> Tensor:
        values = x.to(self._layers[0].weight.dtype).index_select(1, self.input_id)
        for layer in self._layers:
            values = layer(layer.inside(values))
        return values

    @property
    def _layers(self) -> list[CompiledLayer]:
        return [layer for layer in self.layers if isinstance(layer, CompiledLayer)]


def _forget(compiled: CompiledKAN, _: Any) -> None:
    compiled._network = None
