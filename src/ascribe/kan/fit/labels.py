"""Labels as a loss compares them: numbers laid out (outputs, n), classes (n), zeros and ones (outputs, n).

Integers for a function of the user's own are laid out as they came, but with the rows last.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.fit.loss import Loss


def read_label(y: Tensor, outputs: int, loss: Loss, dtype: torch.dtype, part: str) -> Tensor:
    """A copy of its own.  Raises InputError for labels that the loss has no meaning for."""
    if loss.kind == "classes":
        return _classes(y, outputs, part)
    if loss.kind == "any" and not y.is_floating_point():
        return y.movedim(0, -1).clone()  # its owner knows what integers mean
    columns = y.reshape(len(y), -1)
    if columns.shape[1] != outputs:
        raise InputError(
            f"{part}_label has shape {tuple(y.shape)}, but the network gives {outputs} outputs; pass (rows, {outputs})."
        )
    if loss.kind == "binary" and bool(((columns != 0) & (columns != 1)).any()):
        raise InputError(
            f"{part}_label runs from {float(columns.min()):.4g} to {float(columns.max()):.4g}; 'bce' takes 0 and 1."
        )
    return columns.T.to(dtype, copy=True).contiguous()


def _classes(y: Tensor, outputs: int, part: str) -> Tensor:
    classes = y.reshape(len(y), -1)
    one_hot = "; pass the place of the 1, label.argmax(1)" if classes.shape[1] == outputs > 1 else ""
    if classes.shape[1] != 1 or (y.is_floating_point() and bool((classes != classes.round()).any())):
        raise InputError(
            f"{part}_label of shape {tuple(y.shape)} and dtype {y.dtype} are no classes; cross-entropy takes one"
            f" integer a row (0 to {outputs - 1}){one_hot}."
        )
    low, high = int(classes.min()), int(classes.max())
    if low < 0 or high >= outputs:
        raise InputError(
            f"{part}_label has classes {low} to {high}, but the network gives {outputs} outputs;"
            f" number the classes 0 to {outputs - 1}, or pass loss_fn='bce' for one output and labels 0 and 1."
        )
    return classes[:, 0].to(torch.int64, copy=True)
