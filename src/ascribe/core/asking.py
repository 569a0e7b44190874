"""Reads what a user asks (model, x, target, at, baseline, groups, names) into a question that methods can answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ascribe.core.budget import Budget
from ascribe.core.cut import Cut, cut_at
from ascribe.core.evaluate import sweep, values
from ascribe.core.footprint import Footprint
from ascribe.core.inputs import Inputs, read_inputs
from ascribe.core.names import entry_names, numbered
from ascribe.core.players import Players, every_entry, grouped
from ascribe.core.question import Place, Question
from ascribe.core.score import Score, run
from ascribe.core.state import borrowed, network_of
from ascribe.core.target import Entry, EntryOfRow, Largest, Neuron, Pick, as_pick, output_tensor
from ascribe.errors import AscribeError, InputError, LayerError, TargetError


@contextmanager
def asked(
    model: Callable[..., Any],
    x: Any,
    *,
    target: Any = None,
    at: str | nn.Module | None = None,
    baseline: Any = None,
    background: Any = None,
    groups: Any = None,
    names: Sequence[str] | None = None,
    memory: int | str = "64 MiB",
    progress: bool = False,
) -> Iterator[Question]:
    """Prepare a question, with the keywords of `explain`; the model's state is borrowed until the block ends."""
    network = network_of(model)
    with borrowed(network), torch.inference_mode(False), torch.no_grad():
        inputs = read_inputs(x, network)
        cut = None if at is None else cut_at(network, at)
        neuron = cut_at(network, target.layer) if isinstance(target, Neuron) else None
        wanted = target.index if isinstance(target, Neuron) else target
        point = inputs.pack(_baseline(inputs, baseline, background))
        others = point[None] if background is None else inputs.pack(inputs.read(background, "background"))[:, None]
        z = inputs.z
        players = _players(None if cut else groups, z, entry_names(None if cut else names, inputs))
        budget, footprint = Budget(memory, progress), Footprint()
        f = Score(model, inputs, Largest(), players, budget, z[:1], footprint, cut, neuron, "input")
        picks = _picks(wanted, f, z)
        f = replace(f, pick=picks[0], known=[])
        place = entrance = Place(f, z, point, others)
        if cut is not None:
            place = _inside(entrance, cut, groups, names)
        where = at if isinstance(at, str) else None if cut is None else cut.name
        yield Question(place, entrance, picks, target, where, groups is not None)


def _picks(target: Any, f: Score, z: Float[Tensor, "rows *shape"]) -> tuple[Pick, ...]:
    output = _first_output(f)
    if callable(target):
        return (as_pick(target, (), f.rows),)
    shape = tuple(output_tensor(output, 1).shape[1:])
    if not isinstance(target, str):
        return (as_pick(target, shape, f.rows),)
    if target == "all":
        return tuple(Entry(_unraveled(i, shape)) for i in range(prod(shape)))
    if target != "predicted":
        raise TargetError(
            f'target={target!r} is not known; pass "predicted", "all", a number or a function of the output'
        )
    if prod(shape) == 1:
        return (as_pick(None, shape, f.rows),)
    largest = values(f, z).long()
    return (EntryOfRow(torch.stack(torch.unravel_index(largest, shape), 1)),)


def _first_output(f: Score) -> Any:
    """The output for one row, a glance at what it takes; and whether the model takes x at all.  Raises InputError."""
    parts = f.inputs.take(f.every[:1])
    try:
        with f.footprint.glance:
            return run(f.model, f.inputs, parts, f.neuron)
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError, AssertionError) as error:
        if isinstance(error, AscribeError):
            raise
        given = ", ".join(f"{tuple(part.shape)} {str(part.dtype).removeprefix('torch.')}" for part in parts)
        problem = f"the model does not run on a row of x, {given} ({type(error).__name__}: {error})"
        raise InputError(f"{problem}; pass x as the model takes it") from error


def _unraveled(number: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in torch.unravel_index(torch.tensor(number), shape)) if shape else ()


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


def _players(groups: Any, z: Float[Tensor, "rows *shape"], names: Sequence[str]) -> Players:
    shape = z.shape[1:]
    return every_entry(shape, names, z.device) if groups is None else grouped(groups, shape, names, z.device)


def _inside(entrance: Place, cut: Cut, groups: Any, names: Sequence[str] | None) -> Place:
    """The place at the cut: the layer's values at x and at what it is compared with."""
    f = entrance.f
    h = _layer(f, entrance.z, cut)
    point = _layer(f, entrance.point, cut)
    background = entrance.background
    others = _layer(f, background.flatten(0, 1), cut).unflatten(0, background.shape[:2])
    labels = numbered(cut.name, h.shape[1:]) if names is None else [str(name) for name in names]
    if len(labels) != prod(h.shape[1:]):
        raise InputError(
            f"names has {len(labels)} entries, but layer '{cut.name}' has {prod(h.shape[1:])}; pass one for each"
        )
    players = _players(groups, h, labels)
    inside = replace(f, space="layer", sample=h[:1], players=players, footprint=Footprint(f.footprint.glance), known=[])
    return Place(inside, h, point, others)


def _layer(f: Score, z: Float[Tensor, "n *input"], cut: Cut) -> Float[Tensor, "n *layer"]:
    """The value at the cut for every row of z."""
    pieces: list[Tensor] = []

    def work(index: Int[Tensor, " piece"]) -> None:
        h = f.record(z[index], torch.zeros_like(index))[1]
        if h.ndim < 2 or len(h) != len(index) or not h.is_floating_point():
            raise LayerError(
                f"layer '{cut.name}' gives {tuple(h.shape)} of {h.dtype} for {len(index)} rows; "
                "at= needs floating-point values whose first dimension is the rows"
            )
        pieces.append(h)

    # One row by itself first: a layer with as many time steps in front as there are rows would pass for rows.
    work(f.every[:1])
    pieces.clear()
    sweep(f, len(z), work, gradients=False)
    return torch.cat(pieces)
