"""What is lost when a player's entries are dealt out anew among the rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ascribe.core.method import Estimate, Method
from ascribe.core.removal import Change, losses, without_player
from ascribe.core.score import Score
from ascribe.errors import MethodError

# The rows of one input, and which of a row's entries are the player's, to the rows with these entries dealt out anew.
Shuffle = Callable[[Float[Tensor, "rows *shape"], Bool[Tensor, "*shape"]], Float[Tensor, "rows *shape"]]


@final
@dataclass(frozen=True)
class Permutation(Method):
    r"""$\phi_{ri} = f(x_r) - f(x_r \text{ with player } i \text{ from row } \pi(r))$, the mean over random permutations
    $\pi$ of the rows of x, with a standard error.

    The rows are one another's background: values depend on the company that a row is in, one row by itself gets zeros,
    and `baseline` and `background` play no part. The mean over all rows is the permutation importance of the score.
    Costs one evaluation for each player, repeat and data row.

    `repeats`: the number of permutations; the same ones serve all players. From two on there is an error.
    `until`: go on, in rounds that double the repeats, until the largest standard error of every row is at most this
    part of its largest value, or there were `limit` repeats.
    `shuffle`: a function to be asked instead of random permutations, for each player, repeat and input: it gets all
    rows of an input and which entries of a row are the player's, and gives the rows with these entries changed.

    Source: Breiman (2001), "Random forests"; Fisher, Rudin & Dominici (2019), "All models are wrong, but many are
    useful".
    """

    repeats: int = 10
    until: float | None = None
    limit: int = 1000
    seed: int = 0
    shuffle: Shuffle | None = None

    laws: ClassVar[frozenset[str]] = frozenset({"dummy", "linear", "symmetric", "implementation_invariant"})
    reference: ClassVar[str] = "nothing"
    batchwise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.repeats < 1 or self.limit < 1:
            raise MethodError(
                f"repeats={self.repeats} and limit={self.limit}; pass numbers of permutations, at least 1"
            )
        if self.until is not None and not (0 < self.until < math.inf and self.repeats > 1):
            raise MethodError(
                f"until={self.until} with repeats={self.repeats}; pass a part of the largest value, such as "
                "until=0.05, and at least 2 repeats to begin with"
            )

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]
    ) -> Float[Tensor, "rows players"] | Estimate:
        generator = torch.Generator().manual_seed(self.seed)
        done, more = 0, self.repeats
        mean = square = torch.zeros(len(z), f.players.count, dtype=torch.float64)
        while True:
            found, variance = self._round(f, z, more, generator)
            # The sum of squares about the mean of both rounds together.
            step = found - mean
            square = square + variance * (more - 1) + step.square() * done * more / (done + more)
            mean = mean + step * more / (done + more)
            done += more
            if self.repeats == 1:
                return mean.to(z)
            error = (square / (done - 1) / done).sqrt()
            if self.until is None or done >= self.limit or _settled(mean, error, self.until):
                return Estimate(mean.to(z), error.to(z))
            more = min(done, self.limit - done)

    def _round(
        self, f: Score, z: Float[Tensor, "rows *shape"], repeats: int, generator: torch.Generator
    ) -> tuple[Float64[Tensor, "rows players"], Float64[Tensor, "rows players"]]:
        if self.shuffle is not None:
            return losses(f, z, repeats, f.players.count, _shuffled(f, z, self.shuffle))
        data = len(z) // f.outputs
        orders = torch.stack([torch.randperm(data, generator=generator) for _ in range(repeats)]).to(z.device)

        def dealt(draw: Int[Tensor, " changes"], rows: slice) -> Float[Tensor, "changes rows *shape"]:
            # Where every output is explained, all rows of a data row meet the same other one.
            return z[orders[draw][:, f.every[rows] // f.outputs] * f.outputs]

        return losses(f, z, repeats, f.players.count, without_player(f, z, dealt))


def _shuffled(f: Score, z: Float[Tensor, "rows *shape"], shuffle: Shuffle) -> Change:
    """Change number i deals out player i as a user's function does, which sees all data rows."""
    nest, data = f.form, z[:: f.outputs]
    every = torch.arange(len(data))
    last: dict[tuple[int, int], Tensor] = {}

    def dealt(draw: int, player: int) -> Float[Tensor, "data *shape"]:
        if (draw, player) not in last:
            mine = nest.unpack(f.players.of(every) == player)
            parts = [
                _checked(shuffle(part.clone(), mask if f.players.by_row else mask[0]), part)
                if bool(mask.any())
                else part
                for part, mask in zip(nest.unpack(data), mine, strict=True)
            ]
            last.clear()
            last[draw, player] = nest.pack(parts)
        return last[draw, player]

    def change(
        draw: Int[Tensor, " changes"], which: Int[Tensor, " changes"], rows: slice
    ) -> Float[Tensor, "changes rows *shape"]:
        mine = f.every[rows] // f.outputs
        return torch.stack([dealt(*each)[mine] for each in zip(draw.tolist(), which.tolist(), strict=True)])

    return change


def _checked(found: object, part: Float[Tensor, "data *shape"]) -> Float[Tensor, "data *shape"]:
    if isinstance(found, Tensor) and found.shape == part.shape:
        return found.to(part)
    what = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
    raise MethodError(
        f"shuffle gave {what} for rows of shape {tuple(part.shape)}; return all rows with the player's entries changed"
    )


def _settled(mean: Float64[Tensor, "rows players"], error: Float64[Tensor, "rows players"], until: float) -> bool:
    return bool((error.amax(1) <= until * mean.abs().amax(1)).all())
