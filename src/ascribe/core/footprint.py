"""Bytes that evaluations take, so that as many as the memory budget allows go through the network together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_FEW = 16  # rows that have room together: which of two estimates is right then matters little


class Results(TorchFunctionMode):
    """Watches what torch functions return: the bytes of all results together, and of the largest."""

    total = 0
    largest = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.layout == torch.strided:
            nbytes = result.numel() * result.element_size()
            self.total += nbytes
            self.largest = max(self.largest, nbytes)
        return result


@final
@dataclass
class Footprint:
    """What one evaluation takes: guessed from a glance at the model running on one row, exact once it is measured.

    The guess is free, and enough for work that is far from the budget: it is too large where results are made of the
    parameters alone, too small where a function hides its steps.
    """

    glance: Results = field(default_factory=Results)
    measured: dict[bool, int] = field(default_factory=dict[bool, int])

    def guess(self, gradients: bool) -> int:
        """Bytes for one row, if a tape keeps every result; without, those alive at the largest one."""
        return self.glance.total if gradients else _alive(self.glance)

    def measure(self, run: Callable[[int], object], gradients: bool, memory: int, network: nn.Module | None) -> None:
        """Two rows less one, where `run(n)` puts n rows through the network; one row, where few have room in memory.

        What one row takes by itself may be too much, as some of it may be made of the parameters alone; but where rows
        are large an evaluation is dear.
        """
        weights = [] if network is None else [*network.parameters(), *network.buffers()]
        own = {weight.untyped_storage().data_ptr() for weight in weights}
        kept = _tape if gradients else _working_space
        with torch.set_grad_enabled(gradients):
            one = kept(run, 1, own)
            self.measured[gradients] = one if one > memory // _FEW else max(kept(run, 2, own) - one, 0)


def _alive(results: Results) -> int:
    """About an operation's argument, its result and its work space."""
    return 3 * results.largest


def _working_space(run: Callable[[int], object], rows: int, _: set[int]) -> int:
    """Bytes alive without a tape."""
    with Results() as results:
        run(rows)
    return _alive(results)


def _tape(run: Callable[[int], object], rows: int, own: set[int]) -> int:
    """Bytes that autograd keeps for the backward pass, beside the network's own."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        # Held until the storages are counted: freed ones would make room for others at the same place.
        alive = run(rows)
    total = sum(size for place, size in kept.items() if place not in own)
    del alive
    return total
