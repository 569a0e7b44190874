r"""Where a fit of $c\,f(a x + b) + d$ begins: grids of (a, b) as fine as the function's own symmetries ask for.

In units of the data, $z = (x - \bar x)/X \in [-1, 1]$, the argument is $s z + m$ with $s = a X$ and $m = b + a \bar x$:
where it is centred and how far it reaches to either side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.affine.curves import Curve, Traits, admissible

Bounds = tuple[float | int, float | int]

# Library functions vary over lengths of about 1; a basin of attraction is about as wide.
_STEP = 0.6
_GROWTH = 1.5
_SMALLEST = 0.15
FARTHEST = 1e4  # half ranges of the data: where a zero or a pole may still lie
_MOST = 400  # steps along one side of a grid, whatever the ranges


def starts(
    curve: Curve, seen: Traits, low: float, high: float, a_range: Bounds, b_range: Bounds
) -> list[tuple[Float[Tensor, "p q"], Float[Tensor, "p q"]]]:
    """Grids of (a, b) for data from `low` to `high`; entries that are out of range or domain are NaN in both.

    Neighbours on a grid are neighbours in the landscape of the fit, so that its peaks can be told from their slopes.
    """
    middle, half = (low + high) / 2, max((high - low) / 2, 1e-300)
    grids: list[tuple[Tensor, Tensor]] = []
    for s, m in _kept(seen, middle, half, a_range, b_range):
        a, b = s / half, m - s / half * middle
        allowed = admissible(curve, a, b, low, high)
        if seen.scale_free:
            allowed &= _within(b, reachable(a_range, b_range))
        else:
            allowed &= _within(a, a_range) & (_within(b, b_range) | seen.wave)
        grids.append((torch.where(allowed, a, math.nan), torch.where(allowed, b, math.nan)))
    return grids


def _within(value: Tensor, bounds: Bounds) -> Tensor:
    # Ends are met but for rounding.
    slack = 1e-12 * max([1.0, *(abs(bound) for bound in bounds if math.isfinite(bound))])
    return (value >= bounds[0] - slack) & (value <= bounds[1] + slack)


def reachable(a_range: Bounds, b_range: Bounds) -> Bounds:
    """The range of b where |a| = 1 stands for every a of the same sign: no b / |a| lies outside it.

    >>> reachable((0.5, 3), (-1, 2)), reachable((-10, 10), (-1, 2))
    ((-2.0, 4.0), (-inf, inf))
    """
    least = max(a_range[0], -a_range[1], 0)

    def end(bound: float | int) -> float:
        return bound / least if least else math.copysign(math.inf, bound) if bound else 0.0

    return end(b_range[0]), end(b_range[1])


def scaled(a: Tensor, b: Tensor, a_range: Bounds, b_range: Bounds) -> tuple[Tensor, Tensor]:
    """The same b / a and sign with |a| = 1, or as near to it as the ranges let it be.

    >>> one = torch.ones(())
    >>> scaled(-2 * one, 3 * one, (-10, 10), (-10, 10)), scaled(one, 40 * one, (-10, 10), (-10, 10))
    ((tensor(-1.), tensor(1.5000)), (tensor(0.2500), tensor(10.)))
    """
    sign, place = a.sign(), b / a
    bound = torch.where(b > 0, b_range[1], b_range[0])
    size = torch.where(place * sign * bound > 0, (bound / place).abs().clamp(max=1.0), 1.0)
    least = torch.where(sign > 0, max(a_range[0], 0.0), max(-a_range[1], 0.0))
    most = torch.where(sign > 0, max(a_range[1], 0.0), max(-a_range[0], 0.0))
    size = torch.minimum(torch.maximum(size, least), most)
    return sign * size, sign * size * place


def half_turned(b: Tensor, b_range: Bounds) -> Tensor:
    """b less as many half turns as bring it next to 0, or as near as its range lets it come.

    >>> half_turned(torch.tensor([7.0, -1.0]), (-10, 10)).round(decimals=4)
    tensor([ 0.7168, -1.0000])
    """
    fewest, most = ((b - b_range[1]) / math.pi).ceil(), ((b - b_range[0]) / math.pi).floor()
    return b - math.pi * (b / math.pi).round().clamp(fewest, most)


@lru_cache(maxsize=64)
def _kept(
    seen: Traits, middle: float, half: float, a_range: Bounds, b_range: Bounds
) -> tuple[tuple[Tensor, Tensor], ...]:
    """The same for all functions that are alike."""
    return tuple(_grids(seen, middle, half, a_range, b_range))


def _grids(
    seen: Traits, middle: float, half: float, a_range: Bounds, b_range: Bounds
) -> Iterator[tuple[Tensor, Tensor]]:
    most = max(abs(a_range[0]), abs(a_range[1])) * half
    signs = _signs(seen, a_range)
    if seen.scale_free and seen.shift_free:
        yield torch.full((1, 1), signs[0] * half, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
        return
    if seen.scale_free:
        places = _places()
        for sign in signs:
            yield torch.full_like(places, sign * half)[None], -sign * half * places[None]
        return
    if seen.shift_free:
        # Centred so that the largest argument is 0, or as near as b can bring it.
        for sign in signs:
            s = sign * _geometric(_SMALLEST * min(1.0, most), most)
            b = (-s / half * middle - s.abs()).clamp(*b_range)
            yield s[None], (b + s / half * middle)[None]
        return
    for first, last in seen.sides:
        if math.isfinite(first) and math.isfinite(last):
            yield from _bounded(first, last, signs)
        elif math.isfinite(first) or math.isfinite(last):
            yield from _half_bounded(first, last, most, signs)
        elif seen.wave:
            # The phase is found from two of them: one b is enough.
            s = torch.arange(0.25, max(most, 0.5) + 0.5, max(0.5, most / _MOST), dtype=torch.float64).clamp(max=most)
            yield s[:, None], (s / half * middle)[:, None]
        elif seen.half_turn:
            s = torch.arange(0.25, max(most, 0.5) + 0.5, max(0.5, most / _MOST), dtype=torch.float64).clamp(max=most)
            m = torch.linspace(-math.pi / 2, math.pi / 2, 9, dtype=torch.float64)[:-1]
            for sign in signs:
                scale, shift = torch.meshgrid(sign * s, m, indexing="ij")
                yield scale, shift
        else:
            s = _geometric(_SMALLEST * min(1.0, most), most)
            count = min(_MOST, 1 + math.ceil((b_range[1] - b_range[0]) / _STEP))
            b = torch.linspace(*b_range, count, dtype=torch.float64)
            for sign in signs:
                scale, shift = torch.meshgrid(sign * s, b, indexing="ij")
                yield scale, shift + scale / half * middle


def _signs(seen: Traits, a_range: Bounds) -> list[int]:
    signs = [sign for sign in (1, -1) if (a_range[1] if sign > 0 else -a_range[0]) > 0]
    return signs[:1] if seen.even else signs


def _geometric(first: float, last: float) -> Tensor:
    count = 2 + math.ceil(math.log(max(last / first, 1.0)) / math.log(_GROWTH))
    return torch.logspace(math.log10(first), math.log10(last), count, dtype=torch.float64)


def _places() -> Float[Tensor, " places"]:
    """Where a kink, a zero or a pole may lie: among the data, and at distances of all sizes beyond them."""
    beyond = 1 + torch.logspace(-4, math.log10(FARTHEST) - 0.5, 37, dtype=torch.float64)
    return torch.cat([-beyond.flip(0), torch.linspace(-0.999, 0.999, 49, dtype=torch.float64), beyond])


def _bounded(first: float, last: float, signs: list[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Intervals inside one, with ends that come close to its ends."""
    angle = torch.linspace(0, math.pi, 22, dtype=torch.float64)[1:-1]
    ends = torch.cat([angle.new_tensor([0.0, 1e-4, 1e-3]), (1 - angle.cos()) / 2, angle.new_tensor([0.999, 0.9999, 1])])
    low, high = torch.meshgrid(first + (last - first) * ends, first + (last - first) * ends, indexing="ij")
    s = torch.where(high > low, (high - low) / 2, math.nan)
    for sign in signs:
        yield sign * s, (high + low) / 2


def _half_bounded(first: float, last: float, most: float, signs: list[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Intervals inside a half line: at distances from its end, and of lengths, of all sizes."""
    distance = torch.logspace(-4, 1, 16, dtype=torch.float64)
    distance = torch.cat([distance.new_zeros(1), distance])
    s, gap = torch.meshgrid(_geometric(_SMALLEST * min(1.0, most), most), distance, indexing="ij")
    m = first + gap + s if math.isfinite(first) else last - gap - s
    for sign in signs:
        yield sign * s, m
