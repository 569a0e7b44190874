"""What `discover` takes: columns and a target, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ascribe.errors import InputError

# Sizes whose squares and cubes are numbers.
_SMALLEST, _LARGEST = 1e-100, 1e100


def numbers(given: Any, name: str) -> Tensor:
    """A tensor as it is, anything else as a copy in float64."""
    if isinstance(given, Tensor):
        return given
    try:
        return torch.from_numpy(np.array(given, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} holds what is no number ({error}); pass a tensor, an array or a frame of numbers alone."
        ) from None


def read_data(x: Any, y: Any, names: Sequence[str] | None) -> tuple[Tensor, Tensor, tuple[str, ...], float]:
    """The columns and the target in float64, what the columns are called, and the precision that they came in."""
    if names is None and hasattr(x, "columns"):
        names = [str(name) for name in x.columns]
    given = numbers(x, "x"), numbers(y, "y")
    precision = max(torch.finfo(t.dtype).eps if t.is_floating_point() else 0.0 for t in given)
    if any(t.is_complex() for t in given):
        raise InputError("x or y is complex; formulas are real: pass x.real, y.real or y.abs().")
    # Copies that can be differentiated, whatever mode they were made in.
    rows, target = (t.detach().double().clone() for t in given)
    if rows.ndim != 2 or target.shape not in ((len(rows),), (len(rows), 1)) or not rows.shape[1]:
        raise InputError(
            f"x has shape {tuple(rows.shape)} and y {tuple(target.shape)}; pass x as (rows, columns), y as (rows,)."
        )
    if len(rows) < 20:
        raise InputError(f"{len(rows)} rows say too little about a formula; pass 20 at least.")
    if not bool(rows.isfinite().all() and target.isfinite().all()):
        raise InputError("x or y has NaN or infinity; drop those rows: x[x.isfinite().all(-1)].")
    sizes = torch.cat([rows.abs().amax(0), target.abs().amax()[None]])
    if bool(((sizes > 0) & ((sizes < _SMALLEST) | (sizes > _LARGEST))).any()):
        raise InputError(f"x or y has sizes of {float(sizes.max()):.0e}, whose squares are no numbers; rescale them.")
    called = (
        tuple(str(name) for name in names) if names is not None else tuple(f"x_{i + 1}" for i in range(rows.shape[1]))
    )
    if len(called) != rows.shape[1] or len(set(called)) != len(called):
        raise InputError(f"names={list(called)!r} does not name the {rows.shape[1]} columns of x, each once.")
    return rows.T.contiguous(), target.flatten(), called, precision
