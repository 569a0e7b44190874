"""A score whose data rows stand several times, so that a wrapper can ask for many draws of a row at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ascribe.core.score import Score
from ascribe.core.target import Pick

_COPIES = 16  # of z, its noise or references and its repetitions, so many are alive together in a method


@final
@dataclass(frozen=True)
class Again:
    """What is picked for a row, for every repetition of it."""

    pick: Pick
    rows: int

    def kinds(self, rows: int) -> Int[Tensor, " rows"]:
        return self.pick.kinds(self.rows).repeat(rows // self.rows)

    def __call__(self, output: Any, rows: Int[Tensor, " n"]) -> Shaped[Tensor, " n"]:
        return self.pick(output, rows % self.rows)


def times_together(f: Score, z: Float[Tensor, "rows *shape"], limit: int) -> int:
    """How many times all rows may stand in the memory budget: at least once, at most `limit` times."""
    kept = () if f.site is None else (value for values in f.site.before.outputs for value in values)
    each = _COPIES * z.numel() * z.element_size() + sum(value.numel() * value.element_size() for value in kept)
    return min(limit, max(1, f.budget.memory // each))


def repeated(f: Score, times: int) -> Score:
    """The score of all rows, so many times one after the other."""
    if times == 1:
        return replace(f, known=[])
    inputs, given = f.inputs, f.inputs.given
    every = torch.arange(inputs.rows, device=f.sample.device).repeat(times)
    args, kwargs = given.take(every) if given.by_row else (given.args, given.kwargs)
    again = replace(
        inputs,
        parts=tuple(part[every.to(part.device)] for part in inputs.parts),
        given=replace(given, args=args, kwargs=kwargs, rows=len(every)),
    )
    site = f.site
    if site is not None:
        kept = [[torch.cat(values)[every.to(values[0].device)]] for values in site.before.outputs]
        site = replace(site, before=replace(site.before, outputs=kept))
    players = replace(f.players, ids=f.players.of(every)) if f.players.by_row else f.players
    return replace(f, inputs=again, site=site, players=players, pick=Again(f.pick, f.rows), known=[])
