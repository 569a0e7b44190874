"""The data that a network saw last: what scores, pruning, pictures and formulas look at when they are given none."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.errors import InputError
from ascribe.kan.layer import require_real
from ascribe.maths.kernels.watch import transformed, watched

Net = TypeVar("Net", bound="Memory")


def require_columns(x: Any, columns: int) -> None:
    """Raises InputError unless x is a tensor (*, columns) of real numbers."""
    require_real(x)
    if x.ndim == 0 or x.shape[-1] != columns:
        raise InputError(
            f"x has shape {tuple(x.shape)}, but the network takes (*, {columns}) columns of data;"
            f" pass exactly {columns} columns."
        )


class Memory(nn.Module):
    """A module that remembers its training data, or else the input of its last forward in training mode.

    Files and other processes get no data; copies in this one do.
    """

    input_id: Tensor
    columns: int
    _last_input: Tensor | None = None
    _training_data: Tensor | None = None
    _training_label: Tensor | None = None

    def notice(self, x: Tensor) -> None:
        """Remember x as the input of the last forward, where this is one of a training."""
        if self.training and torch.is_grad_enabled() and not watched(x) and not transformed():
            self._last_input = x

    def remember(
        self, x: Float[Tensor, "*batch columns"], label: Float[Tensor, "*batch outputs"] | None = None
    ) -> None:
        """Take x for the training data, which scores, pruning and pictures use when they are given none.

        `label` is what the outputs should be there; `auto_symbolic` refits to it.
        """
        require_columns(x, self.columns)
        self._training_data = x.detach()
        self._training_label = None if label is None else label.detach()

    @property
    def label(self) -> Float[Tensor, "*batch outputs"] | None:
        """What the outputs should be on the training data, where a fit to numbers has told."""
        return None if self._training_label is None else self._training_label.to(self.input_id.device)

    def see(self, x: Float[Tensor, "*batch columns"]) -> None:
        """Take x for the input of the last forward."""
        self._last_input = x.detach()

    def data(self, x: Tensor | None = None) -> Float[Tensor, "*batch columns"]:
        """x itself, or the training data of the last fit, or the input of the last forward in training mode.

        Raises InputError when there is none of them.
        """
        if x is not None:
            require_columns(x, self.columns)
            return x.to(self.input_id.device)
        remembered = self._training_data if self._training_data is not None else self._last_input
        if remembered is None:
            raise InputError("the network has seen no data yet; call fit(...) first, or pass the data: x=....")
        return remembered.detach().to(self.input_id.device)

    @property
    def has_data(self) -> bool:
        """Whether the network remembers data."""
        return self._training_data is not None or self._last_input is not None

    def last_input(self) -> Float[Tensor, "*batch columns"]:
        """The input of the last forward in training mode, with its graph.  Raises InputError when there was none."""
        if self._last_input is None:
            raise InputError("the network has run on nothing yet; call it on a batch (in train() mode) first.")
        return self._last_input

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_last_input": None, "_training_data": None, "_training_label": None}

    def __deepcopy__(self: Net, memo: dict[int, Any]) -> Net:
        new = self.__class__.__new__(self.__class__)
        memo[id(self)] = new
        new.__dict__.update(copy.deepcopy(self.__getstate__(), memo))
        new._training_data, new._training_label = self._training_data, self._training_label
        new._last_input = None if self._last_input is None else self._last_input.detach()
        return new
