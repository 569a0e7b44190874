"""Losses that an attack drives up, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ascribe.core.target import as_pick, output_tensor
from ascribe.errors import AscribeError, MethodError, TargetError

LossFunction = Callable[[Any, Any], Tensor]


def negative_log(output: Any, target: Any) -> Float[Tensor, " rows"]:
    r"""$-\log p_t$ of outputs that are probabilities.

    Raises MethodError for one that is not above 0, and TargetError for a target the output does not have.

    >>> negative_log(torch.tensor([[0.25, 0.75]]), 0).tolist() == [torch.tensor(4.0).log().item()]
    True
    """
    chosen = chosen_of(output, target)
    if bool((chosen <= 0).any()):
        raise MethodError(
            f"an attack's loss is -log(output) by default, and an output is {float(chosen.detach().min()):.3g}; "
            "give the network's probabilities, or for logits pass loss=torch.nn.functional.cross_entropy"
        )
    return -chosen.log()


def chosen_of(output: Any, target: Any) -> Shaped[Tensor, " rows"]:
    """One number of every row of an output."""
    tensor = output_tensor(output, len(output))
    pick = as_pick(target, tuple(tensor.shape[1:]), len(tensor))
    return pick(tensor, torch.arange(len(tensor), device=tensor.device))


@final
@dataclass(frozen=True)
class Loss:
    """A loss as what is picked from an output: of every row, or of all rows together if that is what it gives.

    A target with one entry a row goes with its rows; any other is passed on as it is.
    """

    of: LossFunction
    target: Any
    rows: int

    def kinds(self, rows: int) -> Int[Tensor, " rows"]:
        return torch.arange(rows)

    def __call__(self, output: Any, rows: Int[Tensor, " n"]) -> Shaped[Tensor, " n"]:
        target = self._target(rows)
        try:
            loss = self.of(output, target)
        except (ValueError, TypeError, LookupError) as error:
            if isinstance(error, AscribeError):
                raise
            shape = tuple(target.shape) if isinstance(target, Tensor) else repr(target)[:60]
            raise TargetError(
                f"the loss does not take this output and target={shape} of {len(rows)} rows ({type(error).__name__}: "
                f"{error}); pass one target for each row, or a loss that takes what you pass"
            ) from error
        if not isinstance(loss, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance] - not every user runs a checker
            raise TargetError(f"the loss gave {type(loss).__name__}; return a tensor: one number a row, or their mean")
        if loss.numel() == 1:
            return (loss.reshape(1) / len(rows)).expand(len(rows))
        if len(loss) != len(rows):
            raise TargetError(f"the loss gave {tuple(loss.shape)} for {len(rows)} rows; return one number a row")
        return loss.reshape(len(rows), -1).sum(dim=1)

    def _target(self, rows: Int[Tensor, " n"]) -> Any:
        if isinstance(self.target, Tensor) and self.target.ndim > 0 and len(self.target) == self.rows:
            return self.target[rows.to(self.target.device)]
        if isinstance(self.target, list) and len(self.target) == self.rows:
            return [self.target[i] for i in rows.tolist()]
        return self.target
