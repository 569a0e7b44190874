"""A linear model of the players, fitted to the score around every row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ascribe.core.game import Game, blocks
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.proximity import Cosine, Euclidean, presence
from ascribe.maths.regression import Lasso, Ridge

_MOST = 4096  # players, of which a square table takes 128 MiB
_HELD = 2**21  # entries of rows whose distances are measured together


@final
@dataclass(frozen=True)
class Lime(Method):
    r"""The coefficients $c$ of the linear model $b + \sum_{i \in S} c_i$ of $f(x \text{ with only the players } S)$,
    fitted to random coalitions S that count the more the nearer they are to everybody.

    Every player is present with chance 1/2. All rows are asked about the same coalitions and are solved together, one
    evaluation a sample and row; the background rows stand in for the absent in turn. Groups of features are players.
    A coefficient says what a player adds near the row; they need not sum to anything.

    `samples`: the coalitions (None: 512, or 4 a player where that is more).
    `kernel`: what a coalition counts, by its distance from everybody: `Cosine(width)`, `Euclidean(width)`; of the
    presence of players, or with `of="entries"` of the row's entries.
    `surrogate`: `Ridge(alpha)`, least squares with `Ridge(0)`, or `Lasso(alpha)` for few players that are not zero.
    `until`: go on, in rounds that double the samples, until a row's largest standard error is at most this part of its
    largest coefficient, or `limit` samples were taken.

    Raises MethodError for knobs out of range and more than 4,096 players.

    Source: Ribeiro, Singh & Guestrin (2016), "Why should I trust you?".
    """

    samples: int | None = None
    kernel: Cosine | Euclidean = field(default_factory=Cosine)
    surrogate: Ridge | Lasso = field(default_factory=Ridge)
    until: float | None = None
    limit: int = 2**17
    seed: int = 0

    reference: ClassVar[str] = "background"

    def __post_init__(self) -> None:
        if (self.samples is not None and self.samples < 2) or self.limit < 2:
            raise MethodError(f"samples={self.samples} and limit={self.limit}; pass numbers of samples, at least 2")
        if self.until is not None and not 0 < self.until < math.inf:
            raise MethodError(f"until={self.until}; pass a part of the largest coefficient, such as until=0.05")
        if not isinstance(self.kernel, (Cosine, Euclidean)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise MethodError(f"kernel={self.kernel!r}; pass Cosine(width) or Euclidean(width)")
        if not isinstance(self.surrogate, (Ridge, Lasso)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise MethodError(f"surrogate={self.surrogate!r}; pass Ridge(alpha) or Lasso(alpha)")

    @property
    def laws(self) -> frozenset[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """A penalty shrinks; the lasso's does it to one score otherwise than to another."""
        kept = {"symmetric", "implementation_invariant"}
        if isinstance(self.surrogate, Ridge):
            kept |= {"linear"} if self.surrogate.alpha else {"linear", "affine"}
        return frozenset(kept)

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "draws any *shape"]) -> Estimate:
        game = Game(f, z, z0)
        if game.players > _MOST:
            raise MethodError(
                f"Lime of {game.players} players; {_MOST} are the most: pass groups= that join features, such as "
                "superpixels of an image"
            )
        samples = self.samples or min(max(512, 4 * game.players), self.limit)
        most = samples if self.until is None else max(samples, self.limit)
        parts = [self._solve(game, rows, samples) for rows in blocks(len(z), most)]
        values, error = (torch.cat(part).to(z) for part in zip(*parts, strict=True))
        return Estimate(values, error)

    def _solve(self, game: Game, rows: Int[Tensor, " block"], samples: int) -> tuple[Tensor, Tensor]:
        """Coefficients and errors of these rows; those that have converged leave."""
        values = torch.zeros(len(rows), game.players, dtype=torch.float64)
        error = torch.zeros_like(values)
        left, worths = torch.arange(len(rows)), values.new_empty(len(rows), 0)
        for present, draws in self._coalitions(game, samples):
            known = worths.shape[1]
            worths = torch.cat([worths, game.ask(rows[left], present[known:], draws[known:])], dim=1)
            weights = self._weights(game, rows[left], present, draws)
            if not bool((weights.sum(1) > 0).all()):
                raise MethodError(f"{self.kernel} is so narrow that no sample counts; pass a larger width")
            values[left], error[left] = self.surrogate(present.double(), worths, weights)
            if self.until is None or len(present) >= self.limit:
                break
            unsettled = error[left].amax(1) > self.until * values[left].abs().amax(1)
            left, worths = left[unsettled], worths[unsettled]
            if len(left) == 0:
                break
        return values, error

    def _coalitions(
        self, game: Game, samples: int
    ) -> Iterator[tuple[Bool[Tensor, "samples players"], Int[Tensor, " samples"]]]:
        """Random coalitions and their background rows, every time twice as many, of which the first are as before."""
        generator = torch.Generator().manual_seed(self.seed)
        meeting = torch.randperm(game.draws, generator=generator)
        present = torch.zeros(0, game.players, dtype=torch.bool)
        while True:
            chance = torch.rand(samples - len(present), game.players, generator=generator, dtype=torch.float64)
            present = torch.cat([present, chance < 0.5])
            yield present, meeting[torch.arange(samples) % game.draws]
            samples = min(2 * samples, self.limit)

    def _weights(
        self,
        game: Game,
        rows: Int[Tensor, " block"],
        present: Bool[Tensor, "samples players"],
        draws: Int[Tensor, " samples"],
    ) -> Float64[Tensor, "any samples"]:
        """What each sample counts, in every row or in all of them alike."""
        if self.kernel.of == "players":
            return self.kernel(present.double(), *(product.double() for product in presence(game.players)))
        weights = torch.empty(len(rows), len(present), dtype=torch.float64)
        block = max(1, _HELD // game.z[0].numel())
        for piece in torch.arange(len(rows)).split(block):
            place = rows[piece].to(game.z.device)
            x, data = game.z[place].double(), place // game.f.outputs
            for draw in draws.unique().tolist():
                y = game.z0[draw].double()
                y = y.expand_as(x) if len(y) == 1 else y[place]
                met = (draws == draw).nonzero()[:, 0]
                products = (game.f.players.gather(product, data).cpu() for product in (x * x, x * y, y * y))
                weights[piece[:, None], met] = self.kernel(present[met].double(), *products)
        return weights
