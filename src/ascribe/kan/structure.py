"""The network itself: layers of edges, nodes between them, and the data it saw last."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan.activations import Activations
from ascribe.kan.layer import Beyond, KANLayer
from ascribe.kan.memory import Memory, require_columns
from ascribe.kan.nodes import multiply, owners, parse_width
from ascribe.kan.span import span
from ascribe.kan.state.text_state import from_tensor, to_tensor
from ascribe.kan.symbolic.function import Function
from ascribe.kan.whole import whole, wholes

Affine = tuple[Tensor, Tensor]
Net = TypeVar("Net", bound="Network")


class Network(Memory):
    """Layers, nodes and their affines; what can be done with a network stands in the other files of this room."""

    input_id: Tensor
    _spelt: Tensor | None  # the names of the columns, as a tensor of the state

    @checked
    def __init__(
        self,
        width: Sequence[int | Sequence[int]],
        grid: SupportsIndex | Sequence[int] = 3,
        k: SupportsIndex | Sequence[int] = 3,
        mult_arity: SupportsIndex | Sequence[Sequence[int]] = 2,
        noise_scale: float = 0.3,
        scale_base_mu: float = 0.0,
        scale_base_sigma: float = 1.0,
        base_fun: str = "silu",
        affine_trainable: bool = False,
        grid_eps: float = 0.02,
        grid_range: Sequence[float] | np.ndarray = (-1.0, 1.0),
        sp_trainable: bool = True,
        sb_trainable: bool = True,
        seed: int = 1,
        extrapolate: Beyond | str = "linear",
        edge: str | Sequence[str] = "bspline",
        sparse_init: bool = False,
        ckpt_path: str | os.PathLike[str] | None = None,
        device: torch.types.Device = "cpu",
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.width, self.arity = parse_width(width, mult_arity)
        self.affine_trainable, self.seed = bool(affine_trainable), whole(seed, "seed")
        generator = torch.Generator().manual_seed(self.seed)
        real = dtype or torch.get_default_dtype()
        cells, orders = self._per_layer("grid", grid), self._per_layer("k", k)
        families = [edge] * self.depth if isinstance(edge, str) else list(edge)
        if len(families) != self.depth:
            raise InputError(f"edge={families!r} has {len(families)} entries for {self.depth} layers of edges.")
        self.act_fun = nn.ModuleList(
            KANLayer(
                self.nodes(l),
                self.subnodes(l + 1),
                num=cells[l],
                k=orders[l],
                noise_scale=noise_scale,
                scale_base_mu=scale_base_mu,
                scale_base_sigma=scale_base_sigma,
                base_fun=base_fun,
                grid_eps=grid_eps,
                grid_range=span(grid_range, "grid_range"),
                sp_trainable=sp_trainable,
                sb_trainable=sb_trainable,
                extrapolate=extrapolate,
                edge=families[l],
                sparse_init=sparse_init,
                generator=generator,
                device=device,
                dtype=real,
            )
            for l in range(self.depth)
        )

        def constants(value: float, sizes: list[int]) -> nn.ParameterList:
            filled = (torch.full((n,), value, dtype=real, device=device) for n in sizes)
            return nn.ParameterList(nn.Parameter(t, requires_grad=self.affine_trainable) for t in filled)

        self.subnode_scale = constants(1.0, [self.subnodes(l + 1) for l in range(self.depth)])
        self.subnode_bias = constants(0.0, [self.subnodes(l + 1) for l in range(self.depth)])
        self.node_scale = constants(1.0, [self.nodes(l + 1) for l in range(self.depth)])
        self.node_bias = constants(0.0, [self.nodes(l + 1) for l in range(self.depth)])
        # The columns of the user's data that reach the first layer, and how many columns the data has.
        self.register_buffer("input_id", torch.arange(self.nodes(0), device=device))
        self.columns = self.nodes(0)
        self.register_buffer("_spelt", None)
        self.ckpt_path = ckpt_path

    def _per_layer(self, name: str, value: SupportsIndex | Sequence[int]) -> list[int]:
        numbers = wholes(value, self.depth, name)
        if len(numbers) != self.depth:
            raise InputError(f"{name}={numbers!r} has {len(numbers)} entries for {self.depth} layers of edges.")
        return numbers

    @property
    def depth(self) -> int:
        """The number of layers of edges."""
        return len(self.width) - 1

    def nodes(self, layer: int) -> int:
        """The number of nodes of a layer."""
        return sum(self.width[layer])

    def subnodes(self, layer: int) -> int:
        """The number of subnodes of a layer: one a sum node, `arity` a multiplication node."""
        return self.width[layer][0] + sum(self.arity[layer])

    def owners(self, layer: int) -> list[int]:
        """The node of a layer that each of its subnodes belongs to."""
        return owners(self.width[layer][0], self.arity[layer])

    @property
    def layers(self) -> list[KANLayer]:
        """The layers of edges, first to last."""
        return [layer for layer in self.act_fun if isinstance(layer, KANLayer)]

    @property
    def grid(self) -> list[int]:
        """The number of cells of every layer's grids."""
        return [layer.num for layer in self.layers]

    @property
    def k(self) -> list[int]:
        """The order of every layer's splines."""
        return [layer.k for layer in self.layers]

    @property
    def edge(self) -> list[str]:
        """The family of every layer's edges."""
        return [layer.family for layer in self.layers]

    @property
    def names(self) -> list[str] | None:
        """What the columns of the data are called; None where nobody has said so."""
        return None if self._spelt is None else from_tensor(self._spelt)

    @names.setter
    def names(self, names: Sequence[str] | None) -> None:
        if names is not None and len(names) != self.columns:
            raise InputError(f"names={list(names)!r} has {len(names)} entries for {self.columns} columns of data.")
        self._spelt = None if names is None else to_tensor([str(n) for n in names], self.input_id.device)

    def fix(
        self, l: int, i: int, j: int, function: str | Function, affine: Sequence[float | int] | Float[Tensor, "4"]
    ) -> None:
        """Make edge (l, i, j), from node i of layer l to subnode j of the next, the function c f(a x + b) + d alone.

        Raises InputError for an edge that does not exist or a function that is not known.
        """
        self.layer_of(l, i, j).fix(i, j, function, affine)

    def unfix(self, l: int, i: int, j: int) -> None:
        """Make edge (l, i, j) its spline again.  Raises InputError for an edge that does not exist."""
        self.layer_of(l, i, j).unfix(i, j)

    def mode(self, l: int, i: int, j: int) -> str:
        """What edge (l, i, j) is: "n" a spline, "s" symbolic, "ns" the sum of both, "" nothing."""
        layer = self.layer_of(l, i, j)
        return "n" * bool(layer.mask[i, j] != 0) + "s" * (layer.symbolic.at(i, j) is not None)

    def layer_of(self, l: int, i: int, j: int) -> KANLayer:
        """The layer of edge (l, i, j).  Raises InputError for an edge that does not exist."""
        l, i, j = whole(l, "l"), whole(i, "i"), whole(j, "j")
        if not 0 <= l < self.depth:
            raise InputError(f"layer {l} has no edges; pass a layer from 0 to {self.depth - 1}.")
        layer = self.layers[l]
        if not (0 <= i < layer.in_dim and 0 <= j < layer.out_dim):
            raise InputError(
                f"layer {l} has no edge from node {i} to subnode {j}; it has {layer.in_dim} nodes and leads to"
                f" {layer.out_dim} subnodes."
            )
        return layer

    @property
    def n_edge(self) -> int:
        """The number of edges that there are, splines and symbolic ones."""
        return sum(int(layer.present.sum()) for layer in self.layers)

    def extra_repr(self) -> str:
        return f"width={self.width}, grid={self.grid}, k={self.k}"

    def train(self: Net, mode: Any = True, *data: Any, **settings: Any) -> Net:
        """Training mode, on or off, as in every nn.Module.  Raises InputError for what belongs to `fit`."""
        if data or settings or not isinstance(mode, bool):
            raise InputError(
                "train(mode) turns training mode on or off, as in every nn.Module; call fit(dataset, ...) to train."
            )
        return super().train(mode)

    def forward(self, x: Shaped[Tensor, "*batch columns"]) -> Float[Tensor, "*batch outputs"]:
        values = self.rows(x)
        self.notice(x)
        for l, layer in enumerate(self.layers):
            values = self.to_nodes(l, layer(values))
        return values.reshape(*x.shape[:-1], values.shape[1])

    def rows(self, x: Tensor) -> Float[Tensor, "n inputs"]:
        """x as (n, inputs) in the network's dtype: only the columns that its inputs take.

        Raises InputError for a wrong number of columns, or for integers.
        """
        require_columns(x, self.columns)
        rows = x.reshape(-1, self.columns).to(self.layers[0].coef.dtype)
        return rows if self.nodes(0) == self.columns else rows[:, self.input_id]

    def to_nodes(self, layer: int, subnodes: Float[Tensor, "n subnodes"]) -> Float[Tensor, "n nodes"]:
        """The nodes above a layer of edges: affine of the subnodes, products, affine of the nodes."""
        inner = torch.addcmul(self.subnode_bias[layer], subnodes, self.subnode_scale[layer])
        products = multiply(inner, self.width[layer + 1][0], self.arity[layer + 1])
        return torch.addcmul(self.node_bias[layer], products, self.node_scale[layer])

    def activations(self, x: Float[Tensor, "*batch columns"]) -> Activations:
        """A forward pass that keeps what the scores and the regulariser need; with a graph when gradients are on."""
        values = self.rows(x)
        self.notice(x)
        nodes: list[Tensor] = []
        subnodes: list[Tensor] = []
        spreads: list[Tensor] = []
        numeric: list[Tensor] = []
        for l, layer in enumerate(self.layers):
            nodes.append(values)
            sums, splines = layer.splines(values, spread=True)
            sums, spread = layer.with_symbolic(values, sums, splines)
            assert splines is not None
            assert spread is not None
            subnodes.append(sums)
            spreads.append(spread)
            numeric.append(splines)
            values = self.to_nodes(l, sums)
        return Activations(tuple(nodes), tuple(subnodes), tuple(spreads), values, tuple(numeric))

    def _load_from_state_dict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, state_dict: dict[str, Any], prefix: str, *rest: Any
    ) -> None:
        """Names may come, go or change their length with a state."""
        spelt = state_dict.get(prefix + "_spelt")
        self._spelt = None if spelt is None else spelt.detach().to(self.input_id.device, copy=True)
        super()._load_from_state_dict(state_dict, prefix, *rest)
