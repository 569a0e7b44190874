r"""What an affine fit $c\,f(a x + b) + d$ can and cannot see of a function: found out by trying it.

Where scaling the argument is as good as scaling the value, a says nothing; where shifting it is, b says nothing. So a
search knows how many of its dimensions are real, without being told about any function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, final, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

# Where a function is tried first; arccosh is real only above 1.
_ANCHORS = ((0.2, 0.9), (1.2, 2.9), (-0.9, -0.2), (-2.9, -1.2), (4.0, 6.0), (-6.0, -4.0))
_FAR = 1e6
# Relative squared deviation below which two functions are affine images of one another, in float64.
_SAME = 1e-20


@runtime_checkable
class Curve(Protocol):
    """A function of one number, and where it is real, finite and smooth."""

    @property
    def torch(self) -> Callable[[Tensor], Tensor]: ...

    @property
    def domain(self) -> Callable[[Tensor, Tensor], Tensor]: ...


@final
@dataclass(frozen=True)
class Traits:
    """The symmetries of a function: what is affine in f(u), or for a wave in another sum.

    `scale_free`: f(l u) for l > 0 (powers, log); `shift_free`: f(u + t) (exp); `even`: f(-u) (sin, tanh, cosh);
    `half_turn`: f(u + pi) (sin, tan); `wave`: f(u + t), in cos(t) f(u) + sin(t) f(u + pi/2) (sin, cos); `steps`: f is
    flat wherever it is smooth. `sides` are the widest intervals on which it is smooth, one on each side of its poles.
    """

    scale_free: bool = False
    shift_free: bool = False
    even: bool = False
    half_turn: bool = False
    wave: bool = False
    steps: bool = False
    sides: tuple[tuple[float, float], ...] = ((-math.inf, math.inf),)


def traits(curve: Curve) -> Traits:
    """The symmetries of a function, tried in float64; remembered.

    >>> from types import SimpleNamespace
    >>> anywhere = lambda low, high: low > -torch.inf
    >>> found = traits(SimpleNamespace(torch=torch.exp, domain=anywhere))
    >>> found.shift_free, found.scale_free, found.sides
    (True, False, ((-inf, inf),))
    """
    return _traits(curve.torch, curve.domain)


@lru_cache(maxsize=1024)
def _traits(f: Callable[[Tensor], Tensor], domain: Callable[[Tensor, Tensor], Tensor]) -> Traits:
    def admits(low: float, high: float) -> bool:
        at = torch.tensor([low, high], dtype=torch.float64)
        return bool(domain(at[:1], at[1:]).all()) and bool(f(at).isfinite().all())

    anchors = [anchor for anchor in _ANCHORS if admits(*anchor)]
    if not anchors:
        return Traits()
    low, high = anchors[0]
    mirrored = admits(-high, -low)
    middle = torch.linspace(low + (high - low) / 3, high - (high - low) / 3, 9, dtype=torch.float64)
    if admits(-abs(high), abs(high)):
        middle = torch.cat([middle, -middle])
    values = f(middle)

    def same(*images: Tensor) -> bool:
        return all(_is_affine(f(image), values[:, None]) for image in images)

    factor = 1 + 0.9 * (max(abs(low), abs(high)) / float(middle.abs().max()) - 1)
    shifts = [(high - low) / 4]
    if admits(-3 * abs(high), 3 * abs(high)):
        # Far enough to carry every point across a step at 0.
        shifts.append(abs(high))
    turned = admits(low + math.pi, high + math.pi) and admits(low - math.pi, high - math.pi)
    shift_free = same(*(middle + shift for shift in shifts), *(middle - shift for shift in shifts))
    half_turn = turned and not shift_free and same(middle + math.pi)
    wave = False
    if half_turn and admits(-math.pi, math.pi):
        turned_by = f(middle + math.pi / 2)
        wave = all(
            _is_affine(f(middle + shift), (math.cos(shift) * values + math.sin(shift) * turned_by)[:, None])
            for shift in (0.3, 1.1)
        )
    return Traits(
        scale_free=same(middle * factor, middle / factor),
        shift_free=shift_free,
        even=mirrored and same(-middle),
        half_turn=half_turn,
        wave=wave,
        steps=len(values.unique()) <= 2,
        sides=_sides(domain, low, high, mirrored),
    )


def _is_affine(found: Tensor, of: Float[Tensor, "n terms"]) -> bool:
    """Whether it is a linear combination of these columns and a constant."""
    columns = of - of.mean(0)
    centred = found - found.mean()
    total = float(centred.square().sum())
    size = _SAME * float(found.square().sum())
    if total <= size:
        return bool((columns.square().sum(0) <= size).all())
    left = centred - columns @ torch.linalg.lstsq(columns, centred[:, None], driver="gelsd").solution[:, 0]
    return float(left.square().sum()) <= _SAME * total


def _sides(
    domain: Callable[[Tensor, Tensor], Tensor], low: float, high: float, mirrored: bool
) -> tuple[tuple[float, float], ...]:
    """The smooth interval around an anchor, and its like beyond the poles, where it is another."""
    here = (_end(domain, high, low, -1), _end(domain, low, high, 1))
    if not mirrored or here[0] <= -high <= here[1]:
        return (here,)
    return (here, (_end(domain, -low, -high, -1), _end(domain, -high, -low, 1)))


def _end(domain: Callable[[Tensor, Tensor], Tensor], fixed: float, start: float, way: int) -> float:
    """How far the domain goes on from `start` in one direction: by bisection, infinite beyond a million."""

    def reaches(distance: float) -> bool:
        ends = torch.tensor(sorted((fixed, start + way * distance)), dtype=torch.float64)
        return bool(domain(ends[:1], ends[1:]).all())

    if reaches(_FAR):
        return way * math.inf
    inner, outer = 0.0, _FAR
    for _ in range(70):
        middle = (inner + outer) / 2
        inner, outer = (middle, outer) if reaches(middle) else (inner, middle)
    # The ends are 0, 1 and the like; bisection leaves their last digits open.
    return round(start + way * inner, 12)


def admissible(
    curve: Curve, a: Float[Tensor, "*shape"], b: Float[Tensor, "*shape"], low: Tensor | float, high: Tensor | float
) -> Bool[Tensor, "*shape"]:
    """Whether f is smooth on all of a x + b, where x goes from `low` to `high`."""
    first, last = a * low + b, a * high + b
    return curve.domain(torch.minimum(first, last), torch.maximum(first, last))
