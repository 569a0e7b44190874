"""Reads what a user asks (model, x, target, at, baseline, groups, names) into a question that methods can answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.core.budget import Budget
from ascribe.core.cut import Cut, cut_at
from ascribe.core.evaluate import values
from ascribe.core.footprint import Footprint
from ascribe.core.inputs import Inputs, read_inputs
from ascribe.core.names import entry_names
from ascribe.core.place import Place, inside, players
from ascribe.core.question import Question
from ascribe.core.score import Score, output_of
from ascribe.core.state import borrowed, network_of
from ascribe.core.target import EntryOfRow, EveryEntry, Largest, Neuron, Pick, as_pick, output_tensor
from ascribe.errors import AscribeError, InputError, LayerError, TargetError


@contextmanager
def asked(
    model: Callable[..., Any],
    x: Any,
    *,
    target: Any = None,
    at: str | nn.Module | Sequence[str | nn.Module] | None = None,
    baseline: Any = None,
    background: Any = None,
    groups: Any = None,
    names: Sequence[str] | None = None,
    given: Any = None,
    memory: int | str = "256 MiB",
    progress: bool = False,
) -> Iterator[Question]:
    """Prepare a question, with the keywords of `explain`; the model's state is borrowed until the block ends."""
    network = network_of(model)
    with borrowed(network), torch.inference_mode(False), torch.no_grad():
        inputs = read_inputs(x, network, given)
        cuts = _cuts(network, at)
        neuron = cut_at(network, target.layer) if isinstance(target, Neuron) else None
        wanted = target.index if isinstance(target, Neuron) else target
        point = inputs.pack(_baseline(inputs, baseline, background))
        others = point[None] if background is None else inputs.pack(inputs.read(background, "background"))[:, None]
        z = inputs.z
        who = players(None if cuts else groups, z, entry_names(None if cuts else names, inputs), inputs)
        budget, footprint, cut = Budget(memory, progress), Footprint(), cuts[0] if len(cuts) == 1 else None
        f = Score(model, inputs, Largest(), who, budget, z[:1], footprint, cut, neuron)
        pick, outputs = _pick(wanted, f, z)
        entrance = Place(replace(f, pick=pick, known=[]), z, point, others)
        place = inside(entrance, cuts, groups, names) if cuts else entrance
        yield Question(place, entrance, outputs, target, _where(at, cuts), groups is not None)


def _cuts(network: nn.Module | None, at: str | nn.Module | Sequence[str | nn.Module] | None) -> tuple[Cut, ...]:
    if at is None:
        return ()
    if isinstance(at, (tuple, list)):
        if not at:
            raise LayerError("at=() names no layer; pass names of layers, or leave at out to explain the input")
        cuts = tuple(cut_at(network, one) for one in at)
        if len(set(cuts)) < len(cuts):
            raise LayerError(f"at={at!r} names a layer twice; name each once")
        return cuts
    return (cut_at(network, cast("str | nn.Module", at)),)


def _where(at: Any, cuts: Sequence[Cut]) -> str | tuple[str, ...] | None:
    if not isinstance(at, (tuple, list)):
        return at if isinstance(at, str) or at is None else cuts[0].name
    return tuple(one if isinstance(one, str) else cut.name for one, cut in zip(at, cuts, strict=True))


def _pick(target: Any, f: Score, z: Float[Tensor, "rows *shape"]) -> tuple[Pick, int | None]:
    """What is picked from the output; the number of outputs where all of them are asked for."""
    output = _first_output(f)
    if callable(target):
        return as_pick(target, (), f.rows), None
    shape = tuple(output_tensor(output, 1).shape[1:])
    if not isinstance(target, str):
        return as_pick(target, shape, f.rows), None
    if target == "all":
        if prod(shape) == 0:
            return as_pick(None, shape, f.rows), None
        return EveryEntry(prod(shape)), prod(shape)
    if target != "predicted":
        raise TargetError(
            f'target={target!r} is not known; pass "predicted", "all", a number or a function of the output'
        )
    if prod(shape) == 1:
        return as_pick(None, shape, f.rows), None
    largest = values(f, z).long()
    return EntryOfRow(torch.stack(torch.unravel_index(largest, shape), 1)), None


def _first_output(f: Score) -> Any:
    """The output for one row, a glance at what it takes; and whether the model takes x at all.  Raises InputError."""
    # Made before the glance, which takes every tensor for the model's.
    first = f.every[:1]
    parts = f.inputs.take(first)
    try:
        with f.footprint.glance:
            return output_of(f.model, f.inputs, parts, first, f.neuron)
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError, AssertionError) as error:
        if isinstance(error, AscribeError):
            raise
        given = ", ".join(f"{tuple(part.shape)} {str(part.dtype).removeprefix('torch.')}" for part in parts)
        problem = f"the model does not run on a row of x, {given} ({type(error).__name__}: {error})"
        raise InputError(f"{problem}; {_remedy(f.model)}") from error


def _remedy(model: Any) -> str:
    """What to type where the model does not run.

    >>> from types import SimpleNamespace
    >>> _remedy(SimpleNamespace(predict=len))  # an estimator
    'pass a function, such as its predict'
    """
    if callable(model):
        return "pass x as the model takes it"
    own = next((name for name in ("predict_proba", "predict") if callable(getattr(model, name, None))), None)
    return "pass a function" + (f", such as its {own}" if own else "")


def _baseline(inputs: Inputs, baseline: Any, background: Any) -> tuple[Tensor, ...]:
    """One row, or one for each data row; the centre of the background where only that is given."""
    if baseline is None and background is not None:
        return tuple(
            _centre(part, kind.coded)
            for part, kind in zip(inputs.read(background, "background"), inputs.kinds, strict=True)
        )
    parts = inputs.read(baseline, "baseline")
    longest = max(len(part) for part in parts)
    wrong = next((len(part) for part in parts if len(part) not in (1, inputs.rows)), None)
    if wrong is not None:
        raise InputError(
            f"baseline has {wrong} rows for {inputs.rows} rows of x; pass one, one for each, or background="
        )
    return tuple(part.expand(longest, *part.shape[1:]) for part in parts)


def _centre(part: Float[Tensor, "n *shape"], coded: tuple[int, ...]) -> Float[Tensor, "1 *shape"]:
    """The mean; for codes of categories the most frequent."""
    centre = part.mean(0, keepdim=True)
    for column in coded:
        centre[0, column] = part[:, column].mode().values
    return centre
