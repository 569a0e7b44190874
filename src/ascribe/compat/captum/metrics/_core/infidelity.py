"""`captum.metrics.infidelity` over `ascribe.metrics.perturbed_infidelity`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ascribe.compat.captum.metrics._core.rows import parts_of, rows_of, together
from ascribe.errors import InputError
from ascribe.metrics.perturbing import perturbed_infidelity


def infidelity_perturb_func_decorator(multiply_by_inputs: bool = True) -> Callable[..., Any]:
    """Make of a function that gives changed inputs one that gives the changes too.

    The change is the difference, and with `multiply_by_inputs` its part of (inputs - baselines), which are 0 unless
    given.
    """

    def decorate(perturb_func: Callable[..., Any]) -> Callable[..., Any]:
        def perturb(inputs: Any, baselines: Any = None) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
            changed = parts_of(perturb_func(inputs) if baselines is None else perturb_func(inputs, baselines))
            given = parts_of(inputs)
            bases = _baselines(baselines, given)
            changes = tuple(x - moved for x, moved in zip(given, changed, strict=True))
            if multiply_by_inputs:
                spans = (x - base for x, base in zip(given, bases, strict=True))
                changes = tuple(c / span.where(span != 0, 1) for c, span in zip(changes, spans, strict=True))
            return changes, changed

        return perturb

    return decorate


def infidelity(
    forward_func: Callable[..., Any],
    perturb_func: Callable[..., Any],
    inputs: Any,
    attributions: Any,
    baselines: Any = None,
    additional_forward_args: Any = None,
    target: Any = None,
    n_perturb_samples: int = 10,
    max_examples_per_batch: int | None = None,
    normalize: bool = False,
) -> Tensor:
    """The mean squared difference between what the attributions say of a change and what it does, for every row."""
    given = parts_of(inputs)
    if len(given) != len(parts_of(attributions)):
        raise InputError(f"{len(given)} inputs came with {len(parts_of(attributions))} attributions; pass one for each")
    bases = None if baselines is None else _baselines(baselines, given)
    lone = len(given) == 1

    def perturb(x: Any) -> Any:
        parts = parts_of(x)
        count = len(parts[0]) // rows_of(inputs)
        more: tuple[Any, ...] = ()
        if bases is not None:
            repeated = tuple(_repeated(base, rows_of(inputs), count) for base in bases)
            more = (repeated[0] if lone else repeated,)
        change, moved = perturb_func(parts[0] if lone else parts, *more)
        return (parts_of(change), parts_of(moved)) if not lone else (parts_of(change)[0], parts_of(moved)[0])

    more = additional_forward_args
    found = perturbed_infidelity(
        forward_func,
        given[0] if lone else given,
        parts_of(attributions)[0] if lone else attributions,
        perturb,
        target=target,
        given=more if more is None or isinstance(more, tuple) else (more,),
        draws=n_perturb_samples,
        together=together(n_perturb_samples, max_examples_per_batch, rows_of(inputs)),
        scaled=normalize,
    )
    return found.to(parts_of(attributions)[0])


def _baselines(baselines: Any, inputs: tuple[Tensor, ...]) -> tuple[Any, ...]:
    if baselines is None:
        return (0,) * len(inputs)
    bases = tuple(baselines) if isinstance(baselines, (tuple, list)) else (baselines,)
    if len(bases) != len(inputs):
        raise InputError(f"baselines has {len(bases)} entries for {len(inputs)} inputs; pass one for each")
    return bases


def _repeated(base: Any, rows: int, count: int) -> Any:
    by_row = isinstance(base, Tensor) and base.ndim > 0 and len(base) == rows > 1
    return base.repeat_interleave(count, dim=0) if by_row else base
