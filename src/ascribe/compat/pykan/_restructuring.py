"""pykan's changes of structure, as it has them: some in place, some as new networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.compat.pykan._reading import Reading
from ascribe.compat.pykan.KANLayer import refit, resampled
from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan import network as native
from ascribe.kan.grids import GridUpdate
from ascribe.kan.reshape import swap as swaps

Net = TypeVar("Net", bound="Restructuring")


@checked
class Restructuring(Reading):
    """`prune_node`, `prune`, `prune_input` and `refine` give a new network and leave this one whole.

    `prune_edge`, `remove_edge`, `remove_node`, `module`, `swap` and `auto_swap` change this one, and return it. With
    `log_history=False` no version is made.
    """

    def _become(self: Net, made: Net, log_history: bool = True) -> Net:
        """Take the values of a network of the same shape, and its history."""
        self.load_state_dict(made.state_dict())
        self.arity = made.arity
        if log_history:
            self.__dict__["_versions"] = made.versions
        return self

    def _new(self: Net, made: Net, log_history: bool) -> Net:
        if not log_history:
            made.__dict__["_versions"] = self.copy().versions
        return made

    def prune_node(  # pyright: ignore[reportIncompatibleMethodOverride]
        self: Net,
        threshold: float | int = 1e-2,
        mode: Literal["auto", "manual"] | str = "auto",
        active_neurons_id: Sequence[Sequence[int]] | None = None,
        log_history: bool = True,
    ) -> Net:
        """Without the hidden nodes that score at or below `threshold`, or with the given ones only."""
        return self._new(super().prune_node(threshold, active_neurons_id), log_history)

    def prune_edge(self: Net, threshold: float | int = 3e-2, log_history: bool = True) -> Net:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take the edges away that score at or below `threshold`."""
        return self._become(super().prune_edge(threshold), log_history)

    def prune_input(  # pyright: ignore[reportIncompatibleMethodOverride]
        self: Net, threshold: float | int = 1e-2, active_inputs: Sequence[int] | None = None, log_history: bool = True
    ) -> Net:
        """Without the inputs that score at or below `threshold`; it prints which of them stay.

        It takes all columns still, and reads those of `input_id`.
        """
        made = super().prune_input(threshold, active_inputs)
        kept = set(made.input_id.tolist())
        print("keep:", [i in kept for i in self.input_id.tolist()])
        return self._new(made, log_history)

    def refine(self: Net, new_grid: int | Sequence[int]) -> Net:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The same function on more cells."""
        return super().refine(new_grid)

    def remove_edge(self: Net, l: int, i: int, j: int, log_history: bool = True) -> Net:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take edge (l, i, j) away."""
        return self._become(super().remove_edge(l, i, j), log_history)

    def remove_node(  # pyright: ignore[reportIncompatibleMethodOverride]
        self: Net, l: int, i: int, mode: Literal["all", "up", "down"] | str = "all", log_history: bool = True
    ) -> Net:
        """Take the edges of node i of layer l away."""
        return self._become(super().remove_node(l, i, mode), log_history)

    def module(self: Net, start_layer: int, chain: str) -> Net:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Cut the edges between a module and the rest."""
        return self._become(super().module(start_layer, chain))

    def swap(self: Net, l: int, i1: int, i2: int, log_history: bool = True) -> Net:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Let nodes i1 and i2 of layer l change places."""
        return self._become(super().swap(l, i1, i2), log_history)

    def auto_swap(self: Net) -> Net:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Put the hidden nodes into an order with short edges."""
        return self._become(swaps.auto_swap(self, self._held_out))

    def auto_swap_l(self: Net, l: int) -> Net:
        """Put the nodes of layer l into an order with short edges."""
        return self._become(swaps.auto_swap(self, self._held_out, l))

    def rewind(self: Net, model_id: str) -> Net:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The network as it was at that version, in a new round."""
        return super().rewind(model_id)

    def checkout(self: Net, model_id: str) -> Net:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A copy of the network as it was at that version."""
        return super().checkout(model_id)

    def log_history(self, method_name: str) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Keep the present state as a new version."""
        return super().log_history(method_name)

    def update_grid(self, x: Float[Tensor, "*batch columns"], tolerance: float = math.inf) -> GridUpdate:
        """Move the knots of every layer to the data, all the way; the splines are fitted anew, as near as they can be.

        With a `tolerance` no input's edges change by more than that share of their spread, as in the native network.
        """
        return super().update_grid(x, tolerance)

    def update_grid_from_samples(self, x: Float[Tensor, "*batch columns"]) -> None:
        """As `update_grid`."""
        self.update_grid(x)

    def initialize_grid_from_another_model(self, model: native.KAN, x: Float[Tensor, "n columns"]) -> None:
        """The other network's splines on this one's number of cells, fitted at x."""
        with torch.no_grad():
            values = model.activations(x).nodes
        for layer, other, at in zip(self.layers, model.layers, values, strict=True):
            refit(layer, resampled(other, layer.num, layer.k), other, at)

    def initialize_from_another_model(self: Net, another_model: native.KAN, x: Float[Tensor, "n columns"]) -> Net:
        """Take the other network's edges, affines and functions; its splines are fitted at x.

        Raises InputError for one of other widths, as where one of them has been pruned.
        """
        if (self.width, self.arity) != (another_model.width, another_model.arity):
            raise InputError(
                f"the other network has width={another_model.width} and arities {another_model.arity}, but this one"
                f" width={self.width} and {self.arity}; make this one of the same, or call refine(grid) on the other."
            )
        state = {n: t for n, t in another_model.state_dict().items() if not n.endswith((".grid", ".coef"))}
        own = {n: t for n, t in self.state_dict().items() if n.endswith((".grid", ".coef"))}
        self.load_state_dict({**state, **own})
        self.initialize_grid_from_another_model(another_model, x)
        return self
