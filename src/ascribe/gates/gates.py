"""What every layer of stochastic gates does: multiply its input by gates, and count how many are open."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import prod

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from ascribe.errors import InputError, MethodError

REDUCTIONS = {"none": lambda p: p, "mean": lambda p: p.mean(), "sum": lambda p: p.sum()}


class Gates(nn.Module, ABC):
    r"""$(x \odot g,\ \lambda \sum_i P(g_i > 0))$ with gates $g_i \in [0, 1]$, drawn anew for every row in training.

    The second part is the expected number of open gates times `reg_weight`: add it to the loss, and gates that the
    network can do without close. In evaluation mode the gates stand still. Without `mask` every entry of a row has a
    gate of its own; `mask` holds the number of a gate for each entry (it need only broadcast to x). `reg_reduction` is
    "sum", "mean" or "none" (one penalty a gate).

    Noise and first values come from a stream of the layer's own, which begins at `seed`; with `seed=None` from torch's
    global stream, as dropout takes it.

    Raises MethodError for a knob out of its range and InputError for an x or mask that does not fit the gates.
    """

    mask: Int[Tensor, "..."] | None

    def __init__(
        self,
        n_gates: int,
        mask: Tensor | None = None,
        reg_weight: float = 1.0,
        reg_reduction: str = "sum",
        seed: int | None = 0,
    ) -> None:
        super().__init__()
        if n_gates < 1:
            raise MethodError(f"n_gates={n_gates}; pass at least 1")
        if reg_reduction not in REDUCTIONS:
            raise MethodError(f'reg_reduction={reg_reduction!r} is not known; pass "sum", "mean" or "none"')
        if mask is not None:
            _check_mask(mask, n_gates)
        self.n_gates, self.reg_weight, self.reg_reduction, self.seed = n_gates, reg_weight, reg_reduction, seed
        self.register_buffer("mask", None if mask is None else mask.detach().clone().long())
        self._streams: dict[str, torch.Generator] = {}

    def forward(self, x: Float[Tensor, "rows *shape"]) -> tuple[Float[Tensor, "rows *shape"], Float[Tensor, "*gates"]]:
        """The gated input, and the penalty."""
        entries = self._gate_of_entry(x)
        gates = self.sampled(len(x)).clamp(0, 1)
        opened = gates if entries is None else gates.gather(1, entries)
        return x * opened.reshape(x.shape), REDUCTIONS[self.reg_reduction](self.active()) * self.reg_weight

    @abstractmethod
    def settled(self) -> Float[Tensor, " gates"]:
        """The gates in evaluation mode, before they are clamped to [0, 1]."""

    @abstractmethod
    def sampled(self, rows: int) -> Float[Tensor, "rows gates"]:
        """Gates for every row, before they are clamped: drawn in training, settled in evaluation."""

    @abstractmethod
    def active(self) -> Float[Tensor, " gates"]:
        """The probability that each gate is not closed."""

    def stream(self, device: torch.device) -> torch.Generator | None:
        """The layer's random stream on a device; None for torch's global one."""
        if self.seed is None:
            return None
        if str(device) not in self._streams:
            self._streams[str(device)] = torch.Generator(device).manual_seed(self.seed)
        return self._streams[str(device)]

    def _gate_of_entry(self, x: Float[Tensor, "rows *shape"]) -> Int[Tensor, "rows entries"] | None:
        """The number of the gate of every entry; None where they are numbered as they come."""
        if x.ndim < 2:
            raise InputError(f"x has shape {tuple(x.shape)}; gates need rows with at least one entry: pass x[None]")
        if self.mask is None:
            if prod(x.shape[1:]) != self.n_gates:
                raise InputError(
                    f"a row of x has {prod(x.shape[1:])} entries for {self.n_gates} gates; "
                    "pass as many, or mask= with the gate of each entry"
                )
            return None
        try:
            return self.mask.expand_as(x).reshape(len(x), -1)
        except RuntimeError as error:
            raise InputError(
                f"mask of shape {tuple(self.mask.shape)} does not broadcast to x of shape {tuple(x.shape)}; "
                f"pass one of shape {tuple(x.shape[1:])}"
            ) from error


def _check_mask(mask: Shaped[Tensor, "..."], n_gates: int) -> None:
    if mask.is_floating_point() or mask.numel() == 0:
        raise InputError(f"mask holds {mask.numel()} numbers of {mask.dtype}; pass the whole number of each gate")
    least, most = int(mask.min()), int(mask.max())
    if least < 0 or most != n_gates - 1:
        raise InputError(
            f"mask names the gates {least} to {most} for n_gates={n_gates}; number them from 0 to n_gates - 1"
        )
