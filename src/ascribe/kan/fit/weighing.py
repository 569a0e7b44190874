"""How much every row counts: weights of the user's, and weights of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError, TrainingError
from ascribe.kan.fit.loss import Loss

ClassWeight = str | Mapping[int, float | int] | Sequence[float | int] | Tensor


def row_weights(
    given: Tensor | None, rows: int, classes: Float[Tensor, " classes"] | None, label: Tensor, part: str
) -> Float[Tensor, " n"] | None:
    """The product of both, with mean 1; None where every row counts the same.

    Raises InputError for weights of another length, below 0, or all 0.
    """
    if given is None and classes is None:
        return None
    weight = torch.ones(rows, dtype=torch.float64, device=label.device)
    if given is not None:
        flat = given.reshape(-1).double()
        if len(flat) != rows or not bool(flat.isfinite().all()) or bool((flat < 0).any()) or not bool(flat.any()):
            raise InputError(
                f"{part}_weight has shape {tuple(given.shape)} for {rows} rows, or holds NaN, a number below 0, or only"
                " 0; pass one finite number >= 0 a row."
            )
        weight = weight * flat
    if classes is not None:
        weight = weight * classes.to(label.device)[label.reshape(-1).long()]
    if not bool(weight.any()):
        raise InputError(f"every row of {part}_input weighs 0 by its class; give a class that there is some weight.")
    return weight / weight.mean()


def class_weights(
    given: ClassWeight | None, loss: Loss, label: Tensor, outputs: int
) -> Float[Tensor, " classes"] | None:
    """One weight a class: as given, or "balanced", where every class counts the same in all.

    Raises TrainingError where labels are no classes, or for weights that do not fit them.
    """
    if given is None:
        return None
    count = outputs if loss.kind == "classes" else 2
    if loss.kind not in ("classes", "binary") or (loss.kind == "binary" and outputs != 1):
        raise TrainingError(
            "class_weight needs one class a row; pass loss_fn='cross_entropy' or, with one output, 'bce'."
        )
    if isinstance(given, str):
        if given != "balanced":
            raise TrainingError(f"class_weight={given!r} is not known; pass 'balanced' or one number a class.")
        rows = torch.bincount(label.reshape(-1).long(), minlength=count).double()
        return torch.where(rows > 0, len(label.reshape(-1)) / (count * rows.clamp(min=1)), 0.0)
    weights = torch.full((count,), -1.0, dtype=torch.float64)
    # What is no table of numbers leaves them below 0, as does a class that a sequence has no number for.
    with suppress(TypeError, ValueError):
        named: Mapping[int, Any] = given if isinstance(given, Mapping) else dict(enumerate(given))
        if set(named) <= set(range(count)):
            missing = 1.0 if isinstance(given, Mapping) else -1.0
            weights = torch.tensor([float(named.get(c, missing)) for c in range(count)], dtype=torch.float64)
    if not bool((weights.isfinite() & (weights >= 0)).all()) or not bool(weights.any()):
        raise TrainingError(
            f"class_weight={given!r} does not fit {count} classes; pass 'balanced', or a finite number >= 0 for each (0"
            f" to {count - 1})."
        )
    return weights
