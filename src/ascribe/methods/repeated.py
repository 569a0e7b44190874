"""A score whose data rows stand several times, so that a wrapper can ask for many draws of a row at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from ascribe.core.score import Score
from ascribe.core.target import Pick


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
    return replace(f, inputs=again, pick=Again(f.pick, f.rows), known=[])
