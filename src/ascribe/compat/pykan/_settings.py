"""How a network was made and where it stands, under pykan's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ascribe.kan import network as native
from ascribe.maths.kernels.base import base_function


# A KAN is final to all but its doors.
class Settings(native.KAN):  # pyright: ignore[reportGeneralTypeIssues]
    """Sizes, versions and the arguments of the constructor. `save_act` and `symbolic_enabled` switch nothing."""

    save_act: bool = True
    symbolic_enabled: bool = True

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.input_id.device

    @property
    def width_in(self) -> list[int]:
        """The nodes of every layer."""
        return [self.nodes(l) for l in range(self.depth + 1)]

    @property
    def width_out(self) -> list[int]:
        """The subnodes of every layer."""
        return [self.subnodes(l) for l in range(self.depth + 1)]

    @property
    def n_sum(self) -> list[int]:
        """The sum nodes of every hidden layer."""
        return [sums for sums, _ in self.width[1:-1]]

    @property
    def n_mult(self) -> list[int]:
        """The multiplication nodes of every hidden layer."""
        return [products for _, products in self.width[1:-1]]

    @property
    def mult_arity(self) -> list[list[int]]:
        """The factors of every multiplication node of every layer."""
        return self.arity

    @property
    def mult_homo(self) -> bool:
        """Whether all multiplication nodes have as many factors."""
        return len({factors for layer in self.arity for factors in layer}) < 2

    @property
    def base_fun_name(self) -> str:
        """The name of the base function."""
        return self.layers[0].base_fun

    @property
    def base_fun(self) -> Callable[[Tensor], Tensor]:
        """The base function."""
        base = base_function(self.base_fun_name)
        return lambda x: base(x, 0)

    @property
    def grid_eps(self) -> float:
        """How uniform the grids are that follow data, from 0 (its quantiles) to 1."""
        return self.layers[0].grid_eps

    @property
    def grid_range(self) -> list[float]:
        """The ends of the first input's grid, which moves with the data."""
        return [float(end[0]) for end in self.layers[0].range]

    @property
    def sp_trainable(self) -> bool:
        """Whether the scales of the splines are trained."""
        return self.layers[0].scale_sp.requires_grad

    @property
    def sb_trainable(self) -> bool:
        """Whether the scales of the base functions are trained."""
        return self.layers[0].scale_base.requires_grad

    @property
    def round(self) -> int:
        """The round of the present version: its number before the point."""
        return self.versions.round

    @property
    def state_id(self) -> int:
        """The state of the present version: its number after the point."""
        return self.versions.state

    @property
    def auto_save(self) -> bool:
        """Whether versions are written to a folder; False ends it, and a `ckpt_path` begins it."""
        return self.ckpt_path is not None

    @auto_save.setter
    def auto_save(self, writes: bool) -> None:
        if not writes:
            self.ckpt_path = None

    def disable_symbolic_in_fit(self, lamb: float | int) -> tuple[bool, bool]:
        """Nothing: `fit` computes what its regulariser and its symbolic edges need; `save_act`, `symbolic_enabled`."""
        return self.save_act, self.symbolic_enabled

    def __repr__(self) -> str:
        """One line: a notebook shows what ends a cell, and most methods here give the network back."""
        return f"{type(self).__name__}({self.extra_repr()})"

    def get_params(self) -> Any:
        """The parameters."""
        return self.parameters()
