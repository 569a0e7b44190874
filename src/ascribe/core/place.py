"""What a method varies: the input, the values at cuts, or the embeddings of token ids."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from math import prod
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.before import Before, through
from ascribe.core.cut import Cut
from ascribe.core.embedding import embeddings
from ascribe.core.evaluate import sweep
from ascribe.core.footprint import Footprint
from ascribe.core.grouping import grouped
from ascribe.core.inputs import Inputs
from ascribe.core.names import Joined, numbered
from ascribe.core.players import Players, every_entry
from ascribe.core.score import Score
from ascribe.core.site import Site
from ascribe.core.target import EveryEntry
from ascribe.errors import InputError, LayerError


@final
@dataclass(frozen=True)
class Place:
    """A score with its point and references."""

    f: Score
    z: Float[Tensor, "rows *shape"]
    point: Float[Tensor, "any *shape"]
    background: Float[Tensor, "draws any *shape"]

    def nest(self, values: Float[Tensor, "*lead rows total"]) -> Any:
        """Values about `z` in the form that the user gave, or one for each of several cuts."""
        return self.f.form.nest(values)


def players(groups: Any, z: Float[Tensor, "rows *shape"], names: Sequence[str], form: Inputs) -> Players:
    """Every entry of a row, or the user's groups of them; `form` is what `z` is made of."""
    shape = z.shape[1:]
    return every_entry(shape, names, z.device) if groups is None else grouped(groups, shape, names, z.device, form)


def inside(entrance: Place, cuts: Sequence[Cut], groups: Any, names: Sequence[str] | None) -> Place:
    """The place at one or several cuts.  Raises InputError for names that do not fit, LayerError for values that do."""
    z, point, background, site = _at(entrance, cuts)
    labels: Sequence[str] = Joined([numbered(c.name, h.shape[1:]) for c, h in zip(cuts, site.form.parts, strict=True)])
    if names is not None:
        if len(names) != len(labels):
            where = ", ".join(f"'{cut.name}'" for cut in cuts)
            raise InputError(f"names has {len(names)} entries, but layer {where} has {len(labels)}; pass one for each")
        labels = [str(name) for name in names]
    return _there(entrance.f, site, z, point, background, players(groups, z, labels, site.form))


def embedded(place: Place) -> Place:
    """The place where token ids have become vectors; its players are the ids, of all whose entries they are made."""
    z, point, background, site = _at(place, embeddings(place.f, place.point))
    shapes = [part.shape[1:] for part in place.f.inputs.parts]
    who = place.f.players
    lead = who.ids.shape[:1] if who.by_row else ()
    ids = who.ids.reshape(*lead, -1).split([prod(shape) for shape in shapes], -1)
    spread: list[Tensor] = []
    for cut, own, shape, h in zip(site.cuts, ids, shapes, site.form.parts, strict=True):
        if cut is not None and h.shape[1 : 1 + len(shape)] != shape:
            raise InputError(
                f"the embedding '{cut.name}' gives {tuple(h.shape[1:])} for ids of shape {tuple(shape)}; "
                f"explain its output, at='{cut.name}'"
            )
        spread.append(own.repeat_interleave(prod(h.shape[1:]) // prod(shape), -1))
    found = Players(torch.cat(spread, -1).reshape(*lead, *z.shape[1:]), who.names, who.by_row)
    return _there(place.f, site, z, point, background, found)


def of_every_output(place: Place, outputs: int) -> Place:
    """The place with a row for each of so many outputs."""

    def each(z: Tensor, rows: int) -> Tensor:
        return z if z.shape[rows] == 1 else z.repeat_interleave(outputs, rows)

    f = replace(place.f, outputs=outputs, pick=EveryEntry(outputs), known=[])
    return Place(f, place.z.repeat_interleave(outputs, 0), each(place.point, 0), each(place.background, 1))


def _there(f: Score, site: Site, z: Tensor, point: Tensor, background: Tensor, who: Players) -> Place:
    there = replace(f, site=site, sample=z[:1], players=who, footprint=Footprint(f.footprint.glance), known=[])
    return Place(there, z, point, background)


def _at(place: Place, cuts: Sequence[Cut | None]) -> tuple[Tensor, Tensor, Tensor, Site]:
    """What is at these cuts (without one: what is given as this input) for the place's point and its references."""
    f, point, background = place.f, place.point, place.background
    if f.inputs.given.by_row:
        # What else the model is given may change what is inside, so that every row has references of its own.
        point = point.expand(f.rows, *point.shape[1:])
        background = background.expand(len(background), f.rows, *background.shape[2:])
    before = _before(f, cuts)
    parts = _values(f, place.z, cuts, before)
    site = Site.of(cuts, parts, before)
    one = site.form.pack(_values(f, point, cuts))
    if len(background) == 1 and torch.equal(background[0], point):
        return site.form.pack(parts), one, one[None], site
    others = site.form.pack(_values(f, background.flatten(0, 1), cuts)).unflatten(0, background.shape[:2])
    return site.form.pack(parts), one, others, site


def _before(f: Score, cuts: Sequence[Cut | None]) -> Before:
    """What need not be run again, as far as the memory budget holds it for all rows."""
    if f.module is None:
        return Before()
    with through(f.module, cuts) as found:
        # One row by itself: a layer with as many time steps in front as there are rows would pass for rows.
        _values(f, f.inputs.z[:1], cuts)
    if f.rows * sum(size for _, size in found) > f.budget.memory:
        return Before()
    return Before(tuple(module for module, _ in found))


def _values(
    f: Score, z: Float[Tensor, "n *input"], cuts: Sequence[Cut | None], before: Before | None = None
) -> tuple[Tensor, ...]:
    """What is at the cuts for every row of z; what is before them is kept."""
    pieces: list[tuple[Tensor, ...]] = []

    def work(index: Int[Tensor, " piece"]) -> None:
        with ExitStack() as stack:
            seen = [None if cut is None else stack.enter_context(cut.seeing()) for cut in cuts]
            stack.enter_context(nullcontext() if before is None else before.keeping())
            f.run(z[index], index % f.rows if f.inputs.given.by_row else torch.zeros_like(index))
        given = zip(f.inputs.unpack(z[index]), f.inputs.parts, strict=True)
        own = [part.to(like.dtype) for part, like in given]
        parts = tuple(own[k] if found is None else found[0] for k, found in enumerate(seen))
        for cut, h in zip(cuts, parts, strict=True):
            if cut is not None and (h.ndim < 2 or len(h) != len(index) or not h.is_floating_point()):
                raise LayerError(
                    f"layer '{cut.name}' gives {tuple(h.shape)} of {h.dtype} for {len(index)} rows; "
                    "at= needs floating-point values whose first dimension is the rows"
                )
        pieces.append(parts)

    sweep(f, len(z), work, gradients=False)
    return tuple(torch.cat(part) for part in zip(*pieces, strict=True))
