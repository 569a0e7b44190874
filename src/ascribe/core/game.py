"""A score as a cooperative game: players are present or absent, a coalition is worth what the score then is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Float64, Int, Shaped
from torch import Tensor

from ascribe.core.evaluate import draw_values, sweep, values
from ascribe.core.score import Score
from ascribe.errors import InputError

# Who is present in coalition number q of the k-th of the data rows asked about.
Coalitions = Callable[[Int[Tensor, " n"], Int[Tensor, " n"]], Bool[Tensor, "n players"]]

_WORTHS = 2**21  # worths held at a time: 16 MiB in float64
_MASKS = 2**22  # entries of all coalitions' masks that are held, if there are no more


def blocks(rows: int, worths: int) -> Iterator[Int[Tensor, " block"]]:
    """The data rows in pieces for which `worths` numbers a row may be held together."""
    block = max(1, _WORTHS // max(1, worths))
    for first in range(0, rows, block):
        yield torch.arange(first, min(first + block, rows))


@final
@dataclass(frozen=True)
class Game:
    """The game of every data row of z, with the rows of z0 standing in for the absent players; worths in float64.

    Coalitions are a table, the same for every data row, or a function of the coalition's number and the data row.
    """

    f: Score
    z: Float[Tensor, "rows *shape"]
    z0: Float[Tensor, "draws any *shape"]  # one row for all data rows, or one for each

    @property
    def players(self) -> int:
        """The number of players."""
        return self.f.players.count

    @property
    def draws(self) -> int:
        """The number of background rows."""
        return len(self.z0)

    def everybody(self, rows: Int[Tensor, " block"]) -> Float64[Tensor, "block 1"]:
        """What the whole coalition is worth: the score itself."""
        return values(self.f, self.z).cpu().double()[rows, None]

    def nobody(self, rows: Int[Tensor, " block"]) -> Float64[Tensor, "block draws"]:
        """What each background row is worth by itself."""
        scores, kind = draw_values(self.f, self.z0)
        return scores.cpu().double()[:, kind.cpu()[rows]].T

    def ask(
        self,
        rows: Int[Tensor, " block"],
        coalitions: Coalitions | Bool[Tensor, "questions players"],
        draws: Int[Tensor, " questions"],
    ) -> Float64[Tensor, "block questions"]:
        """What coalition q is worth where background row `draws[q]` stands in for the absent: one evaluation each.

        Raises InputError for NaN or infinity.
        """
        return self._ask(rows, coalitions, torch.arange(len(draws)), draws)

    def worths(
        self, rows: Int[Tensor, " block"], coalitions: Coalitions | Bool[Tensor, "count players"], count: int
    ) -> Float64[Tensor, "block coalitions"]:
        """The mean over the whole background of what each coalition is worth: `draws` evaluations each."""
        question = torch.arange(count * self.draws)
        answers = self._ask(rows, coalitions, question // self.draws, question % self.draws)
        return answers.view(len(rows), count, self.draws).mean(dim=-1)

    def _ask(
        self,
        rows: Int[Tensor, " block"],
        coalitions: Coalitions | Bool[Tensor, "count players"],
        which: Int[Tensor, " questions"],
        draws: Int[Tensor, " questions"],
    ) -> Float64[Tensor, "block questions"]:
        """Question q is about coalition number `which[q]` over background row `draws[q]`."""
        device, places = self.z.device, rows.to(self.z.device)
        every = len(rows) == len(self.z)
        z = self.z if every else self.z[places]
        z0 = self.z0 if every or self.z0.shape[1] == 1 else self.z0[:, places]
        draws = draws.to(device)
        answers = torch.empty(len(which), len(rows), dtype=torch.float64)

        players = self.f.players
        masks = None
        if isinstance(coalitions, Tensor) and not players.by_row and coalitions.shape[0] * z[0].numel() <= _MASKS:
            masks = players.mask(coalitions.to(device), places[:1].expand(len(coalitions)))

        def keep(question: slice, place: slice) -> Bool[Tensor, "questions some *shape"]:
            if masks is not None:
                return masks[which[question].to(device)][:, None]
            if isinstance(coalitions, Tensor):
                # One mask a question, whatever the number of data rows.
                present = coalitions[which[question]][:, None]
            else:
                numbers = torch.arange(len(rows))[place]
                asked = which[question].repeat_interleave(len(numbers))
                present = coalitions(asked, numbers.repeat(len(asked) // len(numbers)))
                present = present.unflatten(0, (-1, len(numbers)))
            data = places[place] // self.f.outputs
            if players.by_row:
                present = present.expand(-1, len(data), -1)
            mine = data.repeat(len(present)) if present.shape[1] > 1 else data[:1].expand(len(present))
            return players.mask(present.flatten(0, 1).to(device), mine).unflatten(0, present.shape[:2])

        def mixed(question: slice, place: slice) -> Shaped[Tensor, "n *shape"]:
            other = z0[draws[question]] if self.draws > 1 else z0
            other = other if other.shape[1] == 1 else other[:, place]
            return torch.where(keep(question, place), z[place], other).flatten(0, 1)

        def answer(index: Int[Tensor, " piece"]) -> None:
            first, last = int(index[0]), int(index[-1]) + 1
            # The data rows run fastest: those that are outputs of one row meet, and share what they have in common.
            if last - first >= len(rows):
                # Whole questions, and what is too much at both ends: one operation.
                line = first // len(rows)
                piece = mixed(slice(line, -(-last // len(rows))), slice(None))
                piece = piece[first - line * len(rows) : last - line * len(rows)]
            else:
                piece = torch.cat([mixed(*rectangle) for rectangle in rectangles(first, last, len(rows))])
            scores = self.f(piece, places[index % len(rows)])
            answers.view(-1)[first:last] = scores.detach().cpu()

        sweep(self.f, answers.numel(), answer, gradients=False)
        if not bool(answers.isfinite().all()):
            row = int(rows[(~answers.isfinite()).any(dim=0).nonzero()[0, 0]]) // self.f.outputs
            raise InputError(
                f"the model gives NaN or infinity for row {row} of x with some of its features replaced; "
                "pass a baseline= or background= that the model takes, or leave such rows out"
            )
        return answers.T.contiguous()


def rectangles(first: int, last: int, width: int) -> Iterator[tuple[slice, slice]]:
    """The lines and columns of the numbers `first` to `last - 1` in a table that is filled line by line.

    >>> [(line.start, line.stop, column.start, column.stop) for line, column in rectangles(2, 10, 4)]
    [(0, 1, 2, 4), (1, 2, 0, 4), (2, 3, 0, 2)]
    """
    while first < last:
        line, column = divmod(first, width)
        lines = (last - first) // width if column == 0 else 0
        width_here = width if lines else min(width - column, last - first)
        lines = max(lines, 1)
        yield slice(line, line + lines), slice(column, column + width_here)
        first += lines * width_here
