"""A score as a cooperative game: players are present or absent, a coalition is worth what the score then is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ascribe.core.evaluate import draw_values, sweep, values
from ascribe.core.removal import absent
from ascribe.core.score import Score

# Who is present in coalition number q of the k-th of the data rows asked about.
Coalitions = Callable[[Int[Tensor, " n"], Int[Tensor, " n"]], Bool[Tensor, "n players"]]

_WORTHS = 2**21  # worths held at a time: 16 MiB in float64


def blocks(rows: int, worths: int) -> Iterator[Int[Tensor, " block"]]:
    """The data rows in pieces for which `worths` numbers a row may be held together."""
    block = max(1, _WORTHS // max(1, worths))
    for first in range(0, rows, block):
        yield torch.arange(first, min(first + block, rows))


@final
@dataclass(frozen=True)
class Game:
    """The game of every data row of z, with the rows of z0 standing in for the absent players; worths in float64."""

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
        self, rows: Int[Tensor, " block"], coalitions: Coalitions, draws: Int[Tensor, " questions"]
    ) -> Float64[Tensor, "block questions"]:
        """What coalition q is worth where background row `draws[q]` stands in for the absent: one evaluation each."""
        answers = torch.empty(len(rows) * len(draws), dtype=torch.float64)
        device, each = self.z.device, 0 if self.z0.shape[1] == 1 else 1

        def answer(index: Int[Tensor, " piece"]) -> None:
            index = index.cpu()
            place, question = index // len(draws), index % len(draws)
            keep = self.f.players.mask(coalitions(question, place).to(device))
            row, draw = rows[place].to(device), draws[question].to(device)
            scores = self.f(absent(self.z[row], keep, self.z0[draw, row * each]), row)
            answers[index[0] : index[-1] + 1] = scores.detach().cpu()

        sweep(self.f, len(answers), answer, gradients=False)
        return answers.view(len(rows), len(draws))

    def worths(
        self, rows: Int[Tensor, " block"], coalitions: Coalitions, count: int
    ) -> Float64[Tensor, "block coalitions"]:
        """The mean over the whole background of what each coalition is worth: `draws` evaluations each."""
        draws = torch.arange(self.draws).repeat(count)
        answers = self.ask(rows, lambda q, k: coalitions(q // self.draws, k), draws)
        return answers.view(len(rows), count, self.draws).mean(dim=-1)


def table(coalitions: Bool[Tensor, "questions players"]) -> Coalitions:
    """The same coalitions for every data row."""
    return lambda q, _: coalitions[q]
