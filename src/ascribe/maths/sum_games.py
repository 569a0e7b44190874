r"""Shapley values of $f(x) = \sum_j \Phi_j\big(\sum_i g_{ij}(x_i)\big)$ in polynomial time, with a bound of the error.

In the game of a row x against a background row b, player i takes $g_{ij}(x_i)$ where it is present and $g_{ij}(b_i)$
where it is absent. The reachable sums of subnode j are a window around the mean of the sum at x and at b. There the odd
part of $\Phi_j$ is written as a line, a cube and sines (`extension`), whose values are known (`product_games`).

A value is a mean of differences of $\Phi_j$, so what is missing from the expansion changes it by at most twice its
largest error; and a sine that is left out, by at most its coefficient times what a sine can be worth to a player.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ascribe.errors import InputError
from ascribe.maths.extension import OddExtension, sampled_extension
from ascribe.maths.few_players import FEW, acting, coalition_values
from ascribe.maths.piecewise import Piecewise
from ascribe.maths.product_games import cube_values, line_values, sine_bounds, sine_values

# Every subnode's outer functions at its own points.
Outer = Callable[[Float[Tensor, "n subnodes"]], Float[Tensor, "n subnodes outputs"]]

_FEWEST, _MOST = 2**6, 2**14  # samples of a window's half
_TERMS = 2**14  # sines of a piecewise polynomial
_TOGETHER = 2**18  # numbers of sines and players worked on together
_TRIED = 8  # background rows from which a row's scale is first guessed
_WITHIN = 96  # numbers that an outer function holds for one of its values
_COPIES = 24  # of the samples or sines of a window, that are held at a time


@final
@dataclass(frozen=True)
class SumGames:
    r"""The games of every row against every background row.

    `present` holds $g_{ij}(x_i)$ of the rows, `absent` $g_{ij}(b_i)$ of the background; `smooth` gives all
    $\Phi_{jo}$ at sums of these and `bias`, less what is `piecewise` polynomial in them. `fourth`, at least the largest
    fourth derivative of the smooth parts and a quarter of its total variation, makes the bound of the error a proof;
    without it, what their samples do not show is estimated. float64 throughout.
    """

    present: Float[Tensor, "rows subnodes players"]
    absent: Float[Tensor, "background subnodes players"]
    smooth: Outer
    fourth: Float[Tensor, "subnodes outputs"] | None = None
    piecewise: Piecewise | None = None
    memory: int = 2**28
    bias: Float[Tensor, " subnodes"] | float = 0.0

    def values(self, tolerance: float) -> tuple[Tensor, Tensor]:
        """(rows, outputs, players): the values over the whole background, and bounds of their errors.

        Up to 12 players that change a sum have all their coalitions asked, and errors of rounding alone. For more,
        sines are added until the error of a row's worst value is at most `tolerance` of its largest value, or there are
        16,384 of them.
        Price: O(rows background subnodes sines players^2 / 4).  Raises InputError where an outer function is infinite.
        """
        players = acting(self.present, self.absent)
        if 0 < len(players) <= FEW:
            return self._of_few(players)
        scale = self._guess()
        lowest = 1e-3 * scale
        values = scale.new_zeros(*scale.shape, self.present.shape[2])
        error = torch.zeros_like(values)
        left = torch.arange(len(scale), device=scale.device)
        # A guess that was too large asks for too little; what came out says how much to ask for, if more is to be had.
        while len(left):
            values[left], error[left] = self._sums(left, tolerance * scale[left])
            largest, worst = values[left].abs().amax(-1), error[left].amax(-1)
            missed = (worst > tolerance * largest) & (worst <= tolerance * scale[left]) & (largest > lowest[left])
            scale[left] = torch.minimum(scale[left], 0.99 * largest)
            left = left[missed.any(-1)]
        return values, error

    def _of_few(self, players: Int[Tensor, " few"]) -> tuple[Tensor, Tensor]:
        first = self.absent[0]
        others = first[:, torch.ones_like(first[0], dtype=torch.bool).index_fill(0, players, False)]
        steady = torch.cat([others, (torch.zeros_like(first[:, 0]) + self.bias)[:, None]], 1)
        together = max(1, self.memory // (8 * _WITHIN * len(steady)))

        def outer(z: Tensor) -> Tensor:
            found = torch.cat([self._each(some) for some in z.split(together)])
            _require_finite(found[None])
            return found

        found = coalition_values(self.present[..., players], self.absent[..., players], steady, outer, self.memory)
        whole = [self.present.new_zeros(*part.shape[:2], self.present.shape[2]) for part in found]
        values, error = (every.index_copy(2, players, part) for every, part in zip(whole, found, strict=True))
        return values, error

    def _guess(self) -> Float[Tensor, "rows outputs"]:
        """The largest value of every row, if a player's worth were the mean of what it adds first and last."""
        found: list[Tensor] = []
        tried = self.absent[:_TRIED]
        first, second = tried.sum(-1) + self.bias, self.present.sum(-1) + self.bias
        for row, total in zip(self.present, second, strict=True):
            moves = (row - tried).mT
            ends = torch.stack([first, total.expand_as(first)])
            near = torch.stack([first[:, None] + moves, total - moves])
            at_ends, at_near = self._summed(ends), self._summed(near)
            marginal = (at_near[0] - at_ends[0, :, None] + at_ends[1, :, None] - at_near[1]) / 2
            found.append(marginal.mean(0).abs().amax(0))
        return torch.stack(found)

    def _summed(self, z: Float[Tensor, "*points subnodes"]) -> Float[Tensor, "*points outputs"]:
        return self._each(z.reshape(-1, z.shape[-1])).sum(1).unflatten(0, z.shape[:-1])

    def _each(self, z: Float[Tensor, "n subnodes"]) -> Float[Tensor, "n subnodes outputs"]:
        values = self.smooth(z)
        return values if self.piecewise is None else values + self.piecewise.derivatives(z)[:, :, 0]

    def _sums(self, rows: Int[Tensor, " some"], target: Float[Tensor, "some outputs"]) -> tuple[Tensor, Tensor]:
        """Means over the background for some rows, a few pairs at a time."""
        background, subnodes, players = self.absent.shape
        values = target.new_zeros(*target.shape, players)
        error = torch.zeros_like(values)
        # Every window gets the same share; nothing is asked for beyond what float64 can hold.
        share = (target / subnodes).clamp(min=torch.finfo(target.dtype).tiny)
        pairs = torch.cartesian_prod(torch.arange(len(rows)), torch.arange(background)).to(rows.device).view(-1, 2)
        for some in pairs.split(max(1, self.memory // (8 * players * (12 * subnodes + 4 * target.shape[1]) + 1))):
            number, draw = some.unbind(1)
            moves = self.present[rows[number]] - self.absent[draw]
            start = self.absent[draw].sum(-1) + self.bias
            part, bound = self._pairs(moves, start + moves.sum(-1) / 2, share[number])
            values.index_add_(0, number, part / background)
            error.index_add_(0, number, bound / background)
        return values, error

    def _pairs(
        self,
        moves: Float[Tensor, "pairs subnodes players"],
        centre: Float[Tensor, "pairs subnodes"],
        share: Float[Tensor, "pairs outputs"],
    ) -> tuple[Tensor, Tensor]:
        """The games of pairs, as many together as memory allows for the terms they need."""
        reach = moves.abs().sum(-1)
        t = torch.where(reach > 0, 1 / reach, 0.0)[..., None] * moves
        parts: list[tuple[Tensor, Tensor]] = []
        left = [torch.arange(len(moves), device=moves.device)]
        while left:
            some = left.pop()
            extension = self._extension(centre[some], reach[some] / 2, share[some])
            if extension is None:
                left += reversed(some.tensor_split(2))
            else:
                parts.append(_evaluate(extension, t[some], share[some]))
        values, error = (torch.cat(part) for part in zip(*parts, strict=True))
        return values, error

    def _extension(
        self,
        centre: Float[Tensor, "pairs subnodes"],
        radius: Float[Tensor, "pairs subnodes"],
        share: Float[Tensor, "pairs outputs"],
    ) -> OddExtension | None:
        """The odd parts of the outer functions in these windows, or nothing where that takes too much memory."""
        copies = _COPIES if self.piecewise is None else _COPIES + 6 * self.piecewise.breaks.shape[1]
        fits = self.memory // (8 * copies * radius.numel() * share.shape[1])
        # What no one pair has the memory for is done all the same.
        fits = max(fits, _MOST if len(centre) == 1 else 1)
        if fits < _FEWEST:
            return None
        found, cells = self._sampled(centre, radius, _FEWEST), _FEWEST
        while bool((8 * found.error > share[:, None]).any()) and cells < _MOST:
            cells *= 2
            if cells > fits:
                return None
            found = self._sampled(centre, radius, cells)
        if self.piecewise is None:
            return found
        pieces = self.piecewise.extension(centre, radius, share / 8, _TERMS, fits)
        return None if pieces is None else found + pieces

    def _sampled(
        self, centre: Float[Tensor, "pairs subnodes"], radius: Float[Tensor, "pairs subnodes"], cells: int
    ) -> OddExtension:
        z = torch.linspace(0, 1, cells + 1, dtype=centre.dtype, device=centre.device)[:, None]
        sides = torch.stack([centre[:, None] + side * radius[:, None] * z for side in (1, -1)])
        above, below = self.smooth(sides.flatten(0, 2)).unflatten(0, sides.shape[:3])
        _require_finite(above, below)
        fourth = None if self.fourth is None else radius[..., None] ** 4 * self.fourth
        found = sampled_extension(((above - below) / 2).transpose(1, 2), fourth)
        rounding = 4 * torch.finfo(centre.dtype).eps * torch.maximum(above.abs(), below.abs()).amax(1)
        return replace(found, error=torch.where((radius > 0)[..., None], found.error + rounding, 0.0))


def _require_finite(*values: Float[Tensor, "pairs samples subnodes outputs"]) -> None:
    broken = torch.stack([~value.isfinite().flatten(0, 1).all(0) for value in values]).any(0).nonzero().tolist()
    if broken:
        j, output = broken[0]
        raise InputError(
            f"the function from subnode {j} to output {output} is not finite on all sums that the coalitions reach;"
            " take x and a background nearer to each other, or Shapley(), which asks about fewer coalitions."
        )


def _evaluate(
    extension: OddExtension, t: Float[Tensor, "pairs subnodes players"], share: Float[Tensor, "pairs outputs"]
) -> tuple[Tensor, Tensor]:
    """(pairs, outputs, players): values and bounds of their errors."""
    values = torch.einsum("wjo,wji->woi", extension.line, line_values(t))
    values += torch.einsum("wjo,wji->woi", extension.cube, cube_values(t))
    error = torch.zeros_like(values)
    rounding = 8 * torch.finfo(t.dtype).eps * t.shape[2]
    for j in range(t.shape[1]):
        sines, steps = extension.sines[:, j], t[:, j]
        live = (steps != 0).any(0).nonzero()[:, 0]
        if len(live) == 0:
            continue
        # What the extension lacks is not made good by more sines.
        kept, bound = _choose(sines, steps[:, live], torch.maximum(share, 2 * extension.error[:, j]))
        size = extension.line[:, j].abs() + extension.cube[:, j].abs() + 2 * sines.abs().sum(1)
        bound = bound + 2 * extension.error[:, j] + rounding * size
        error += bound[..., None] * (steps != 0)[:, None]
        few = max(1, _TOGETHER // (len(live) * share.shape[1]))
        for window, term in zip(*(part.split(few) for part in kept.nonzero().unbind(1)), strict=True):
            worth = sine_values(_angles(steps[:, live], window, term))
            part = sines[window, term][..., None] * worth[:, None]
            values[..., live] = values[..., live].index_add(0, window, part)
    return values, error


def _angles(steps: Tensor, window: Tensor, term: Tensor) -> Float[Tensor, "games players"]:
    return math.pi * (term + 1).to(steps.dtype)[:, None] * steps[window]


def _choose(
    sines: Float[Tensor, "pairs terms outputs"],
    steps: Float[Tensor, "pairs players"],
    share: Float[Tensor, "pairs outputs"],
) -> tuple[Bool[Tensor, "pairs terms"], Float[Tensor, "pairs outputs"]]:
    """The sines to evaluate, and what the others are worth at most: half of the share, where that leaves any out."""
    weight = (sines.abs() / share[:, None]).amax(-1)
    bound = torch.full_like(weight, 2.0)
    # Few are worth what a sharper bound costs: not the fast ones at the end.
    first = int(((2 * weight.flip(1)).cumsum(1) > 0.125).sum(1).max())
    if first:
        games = max(1, _TOGETHER // (math.isqrt(first) * steps.shape[1]))
        bound[:, :first] = torch.cat([sine_bounds(some, first) for some in steps.split(games)])
    least = torch.ones_like(weight, dtype=torch.bool)
    least[:, :first] = _least((bound * weight)[:, :first], 0.375)
    return ~least, torch.einsum("wm,wmo->wo", bound * least, sines.abs())


def _least(worth: Float[Tensor, "pairs terms"], limit: float) -> Bool[Tensor, "pairs terms"]:
    """The least entries of every row, as many as sum to the limit at most."""
    ordered, order = worth.sort(1)
    return torch.zeros_like(worth, dtype=torch.bool).scatter(1, order, ordered.cumsum(1) <= limit)
