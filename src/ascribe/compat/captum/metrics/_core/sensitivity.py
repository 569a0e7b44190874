"""`captum.metrics.sensitivity_max` over `ascribe.metrics.perturbed_sensitivity`."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from ascribe.compat.captum.metrics._core.rows import parts_of, rows_of, together
from ascribe.metrics.perturbing import perturbed_sensitivity


def default_perturb_func(inputs: Any, perturb_radius: float = 0.02) -> tuple[Tensor, ...]:
    """A uniform draw, from torch's global stream, of inputs whose entries are no further away than the radius."""
    return tuple(
        x + torch.empty(x.shape).uniform_(-perturb_radius, perturb_radius).to(x.device) for x in parts_of(inputs)
    )


def sensitivity_max(
    explanation_func: Callable[..., Any],
    inputs: Any,
    perturb_func: Callable[..., Any] = default_perturb_func,
    perturb_radius: float = 0.02,
    n_perturb_samples: int = 10,
    norm_ord: Any = "fro",
    max_examples_per_batch: int | None = None,
    **kwargs: Any,
) -> Tensor:
    """The largest relative change of an explanation under changes of the inputs, for every row.

    What of `target`, `baselines`, `feature_mask` and `additional_forward_args` has one entry a row goes with its rows.
    """
    parts = parts_of(inputs)
    rows = rows_of(inputs)
    radius = (perturb_radius,) if len(signature(perturb_func).parameters) > 1 else ()

    def explained(x: Any) -> Any:
        count = rows_of(x) // rows
        return explanation_func(x, **(kwargs if x is parts else _with_rows(kwargs, rows, count)))

    return perturbed_sensitivity(
        explained,
        parts,
        perturb=lambda x: perturb_func(x[0] if len(x) == 1 else x, *radius),
        draws=n_perturb_samples,
        together=together(n_perturb_samples, max_examples_per_batch, rows),
        order=2 if norm_ord == "fro" else norm_ord,
    )


_BY_ROW = ("target", "baselines", "feature_mask", "additional_forward_args")


def _with_rows(kwargs: dict[str, Any], rows: int, count: int) -> dict[str, Any]:
    """The arguments for every row so many times."""
    return {key: _repeated(value, rows, count) if key in _BY_ROW else value for key, value in kwargs.items()}


def _repeated(value: Any, rows: int, count: int) -> Any:
    if isinstance(value, Tensor):
        return value.repeat_interleave(count, dim=0) if value.ndim > 0 and len(value) == rows > 1 else value
    if isinstance(value, list):
        return [entry for entry in value for _ in range(count)] if len(value) == rows > 1 else value
    if isinstance(value, tuple):
        return tuple(_repeated(entry, rows, count) for entry in value)
    return value
