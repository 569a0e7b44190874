r"""Fits of $y \approx c\,f(a x + b) + d$, for many edges and many functions f at once, in float64.

Given a and b, the best c and d are closed form (variable projection), so the search has two dimensions, and fewer where
the function has symmetries (`curves`). A grid of (a, b) on some of the samples gives the starts (`starts`); from the
best peaks Levenberg-Marquardt steps go on together for all edges and functions, at last on all samples.

Source: Golub & Pereyra (2003), "Separable nonlinear least squares: the variable projection method and its
applications"; Kaufman (1975) for the Jacobian.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from ascribe.errors import InputError
from ascribe.maths.curves import Curve, Traits, traits
from ascribe.maths.starts import FARTHEST, Bounds, half_turned, reachable, scaled, starts

_SAMPLES = 96  # that the search sees, or more where a x + b turns often
_PEAKS = 4  # that are climbed
_TOGETHER = 2**21  # values of functions that are held for the edges that are fitted together
_FAR = 1e-3  # of r2, that a start must gain for each unit by which a x + b leaves 0
_CLIMB, _POLISH = 12, 300  # steps on some of the samples; on all
_DONE = 1e-29  # a squared error, as a share of the variance, that rounding makes


@final
@dataclass(frozen=True)
class AffineFits:
    """The best affine of every function on every edge.

    `affine` holds a, b, c, d; `error` is the squared error as a share of the variance of y, and `r2` is 1 - error.
    Where no (a, b) in range keeps the data inside the function's domain, affine is NaN and error 1.
    """

    affine: Float64[Tensor, "edges functions 4"]
    error: Float64[Tensor, "edges functions"]

    @property
    def r2(self) -> Float64[Tensor, "edges functions"]:
        """The coefficient of determination; `error` keeps the digits that 1 takes away."""
        return 1 - self.error


def fit_affine(
    x: Float[Tensor, "sources n"],
    y: Float[Tensor, "edges n"],
    functions: Sequence[Curve],
    a_range: Bounds = (-10.0, 10.0),
    b_range: Bounds = (-10.0, 10.0),
    source: Int[Tensor, " edges"] | None = None,
) -> AffineFits:
    """The least-squares a, b, c, d of every function on every edge, with a and b in their ranges.

    Edge e leads from x[source[e]], or from x[e] where no source is given, to y[e]. Where a or b is redundant, the fit
    takes the plain value: |a| = 1 for powers, b = 0 for exp, b in the first period for sin, a > 0 for tanh.
    Price: for each source and function some hundred to some thousand evaluations of about a hundred samples, then some
    dozens of all samples for each edge.
    Raises InputError for no samples, edges or functions, an empty range, or values that are not finite.

    >>> from types import SimpleNamespace
    >>> sine = SimpleNamespace(torch=torch.sin, domain=lambda low, high: low > -torch.inf)
    >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)[None]
    >>> found = fit_affine(x, 3 * torch.sin(9 * x + 0.5) - 2, [sine])
    >>> found.affine[0, 0].round(decimals=6).tolist(), bool(found.error < 1e-12)
    ([9.0, 0.5, 3.0, -2.0], True)
    """
    of = torch.arange(len(y), device=y.device) if source is None else source
    _check(x, y, functions, a_range, b_range)
    with torch.inference_mode(False), torch.no_grad():
        x, y = x.detach().double().clone(), y.detach().double().clone()
        seen = [traits(curve) for curve in functions]
        together = max(1, _TOGETHER // (len(functions) * x.shape[1]))
        found = [
            _fit(_Data.scaled(x, y[edges], of[edges]), functions, seen, a_range, b_range)
            for edges in of.argsort(stable=True).split(together)
        ]
        back = of.argsort(stable=True).argsort()
        return AffineFits(torch.cat([f.affine for f in found])[back], torch.cat([f.error for f in found])[back])


def _fit(
    data: _Data, functions: Sequence[Curve], seen: Sequence[Traits], a_range: Bounds, b_range: Bounds
) -> AffineFits:
    point = _search(data, functions, seen, a_range, b_range)
    free = torch.tensor([[not t.scale_free, not t.shift_free] for t in seen], device=data.x.device).double()
    box = _Box.around(data, point, seen, a_range, b_range)
    a, b, error = _climb(data.some(point.samples), functions, point.a, point.b, free, box, _CLIMB)
    best = error.argmin(2, keepdim=True)
    a, b = a.gather(2, best), b.gather(2, best)
    _settle_steps(data, functions, seen, a, b)
    a, b, _ = _climb(data, functions, a, b, free, box.best(best), _POLISH)
    return _plain(data, functions, seen, a[..., 0], b[..., 0], a_range, b_range)


def _check(x: Tensor, y: Tensor, functions: Sequence[Curve], a_range: Bounds, b_range: Bounds) -> None:
    if not len(y) or not x.shape[1] or not functions:
        raise InputError(
            f"x of shape {tuple(x.shape)}, y of shape {tuple(y.shape)} and {len(functions)} functions leave nothing to"
            " fit; pass samples, edges and functions, one at least."
        )
    if not (a_range[0] <= a_range[1] and b_range[0] <= b_range[1] and any(a_range)):
        raise InputError(f"a_range={a_range} and b_range={b_range} hold nothing; pass (low, high) with low <= high.")
    if not (bool(x.isfinite().all()) and bool(y.isfinite().all())):
        raise InputError("x or y holds NaN or infinity; leave those samples out.")


class _Box(NamedTuple):
    """Where a point of each function may go: a and b in their ranges (or far, where only b / a counts), and the
    argument on one side of the poles. a of (functions, 1, 1), b of (functions, edges, 1), u with the peaks, too.
    """

    a_low: Tensor
    a_high: Tensor
    b_low: Tensor
    b_high: Tensor
    u_low: Tensor
    u_high: Tensor

    @staticmethod
    def around(data: _Data, peaks: _Peaks, seen: Sequence[Traits], a_range: Bounds, b_range: Bounds) -> _Box:
        centre = torch.addcmul(peaks.b, peaks.a, data.middle[:, None])
        places = reachable(a_range, b_range)
        ends = [[-1, 1, *places] if t.scale_free else [*a_range, *b_range] for t in seen]
        sides = centre.new_tensor([[t.sides[0], t.sides[-1]] for t in seen])
        (low, high), other = ([sides[:, side, end, None, None] for end in (0, 1)] for side in (0, 1))
        here = (low <= centre) & (centre <= high)
        low, high = torch.where(here, low, other[0]), torch.where(here, high, other[1])
        a_low, a_high, b_low, b_high = centre.new_tensor(ends)[:, :, None, None].unbind(1)
        far = (FARTHEST * data.half + data.middle.abs())[:, None]
        far = torch.where(centre.new_tensor([t.scale_free for t in seen])[:, None, None] > 0, far, math.inf)
        return _Box(a_low, a_high, b_low.maximum(-far), b_high.minimum(far), low, high)

    def of(self, functions: Tensor) -> _Box:
        return _Box(*(part[functions] for part in self))

    def best(self, peak: Tensor) -> _Box:
        return _Box(*self[:4], self.u_low.gather(2, peak), self.u_high.gather(2, peak))

    def nearest(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return a.clamp(self.a_low, self.a_high), b.clamp(self.b_low, self.b_high)

    def holds(self, s: Tensor, m: Tensor) -> Tensor:
        return (m - s.abs() >= self.u_low) & (m + s.abs() <= self.u_high)


@dataclass(frozen=True)
class _Data:
    """Samples of every source and edge, y of mean 0 and variance 1; ends of x over all samples."""

    x: Tensor  # (sources, n)
    z: Tensor  # (edges, n) x in [-1, 1]
    y: Tensor  # (edges, n)
    of: Tensor
    low: Tensor
    high: Tensor
    mean: Tensor
    size: Tensor

    @staticmethod
    def scaled(x: Tensor, y: Tensor, of: Tensor) -> _Data:
        low, high = x.amin(1)[of], x.amax(1)[of]
        mean = y.mean(1)
        centred = y - mean[:, None]
        size = centred.square().mean(1).sqrt()
        # What is constant to rounding has no variance to explain.
        size = torch.where(size > 1e-14 * y.abs().amax(1), size, 0.0)
        half = ((high - low) / 2).clamp(min=1e-300)
        z = (x[of] - ((low + high) / 2)[:, None]) / half[:, None]
        unit = torch.where(size[:, None] > 0, centred / size.clamp(min=1e-300)[:, None], 0.0)
        return _Data(x, z, unit, of, low, high, mean, size)

    @property
    def half(self) -> Tensor:
        return ((self.high - self.low) / 2).clamp(min=1e-300)

    @property
    def middle(self) -> Tensor:
        return (self.low + self.high) / 2

    def some(self, samples: Tensor) -> _Data:
        """These samples (sources, m) of each source; means and ends stay those of all."""
        own = samples[self.of]
        y = self.y.gather(1, own)
        y = y - y.mean(1, keepdim=True)
        size = y.square().mean(1, keepdim=True).sqrt()
        return _Data(
            self.x.gather(1, samples),
            self.z.gather(1, own),
            y / size.clamp(min=1e-300),
            self.of,
            self.low,
            self.high,
            self.mean,
            self.size,
        )


class _Peaks(NamedTuple):
    a: Tensor  # (functions, edges, peaks); NaN where there is none
    b: Tensor
    samples: Tensor  # (sources, m) that the search saw


def _search(
    data: _Data, functions: Sequence[Curve], seen: Sequence[Traits], a_range: Bounds, b_range: Bounds
) -> _Peaks:
    """The highest peaks of the grids, judged on some samples at even ranks."""
    sources, n = data.x.shape
    reach = float(data.half.max()) * max(abs(a_range[0]), abs(a_range[1]))
    count = min(n, max(_SAMPLES, min(4 * _SAMPLES, int(5 * reach))))
    ranks = torch.linspace(0, n - 1, count, dtype=torch.float64, device=data.x.device).round().long()
    samples = data.x.argsort(1)[:, ranks]
    few = data.some(samples)
    a = data.x.new_full((len(functions), len(data.of), _PEAKS), math.nan)
    b = a.clone()
    for source in range(sources):
        edges = (data.of == source).nonzero()[:, 0]
        if not len(edges):
            continue
        x, y = few.x[source], few.y[edges]
        low, high = float(data.x[source].min()), float(data.x[source].max())
        for place, (curve, known) in enumerate(zip(functions, seen, strict=True)):
            found = _peaks(curve, known, x, y, (low, high), a_range, b_range)
            a[place, edges], b[place, edges] = found
    return _Peaks(a, b, samples)


def _peaks(
    curve: Curve, seen: Traits, x: Tensor, y: Tensor, ends: Bounds, a_range: Bounds, b_range: Bounds
) -> tuple[Tensor, Tensor]:
    """The (a, b) of the highest peaks for each row of y: (edges, peaks)."""
    heights: list[Tensor] = []
    places: list[tuple[Tensor, Tensor]] = []
    for a, b in starts(curve, seen, *ends, a_range, b_range):
        a, b = a.to(x), b.to(x)
        if seen.wave and bool(a.isfinite().any()):
            some = a[:, 0].isfinite()
            return _pitches(curve, x, y, a[some, 0], b[some, 0], b_range)
        allowed = a.isfinite()
        r2 = x.new_full((len(y), a.numel()), -4.0)
        chosen = allowed.flatten().nonzero()[:, 0]
        if len(chosen):
            u = torch.addcmul(b.flatten()[chosen, None], a.flatten()[chosen, None], x)
            r2[:, chosen] = _explained(curve.torch(u), y)
        # Far out many functions are like exp, and one place is as good as another: the nearest, whose slope shows.
        far = torch.zeros_like(a) if seen.scale_free else torch.addcmul(b, a, x.mean()).abs().nan_to_num(0.0)
        grid = r2.unflatten(1, a.shape) - _FAR * far
        # What has a higher neighbour is on a slope: it comes after every peak, best first.
        peak = grid >= torch.nn.functional.max_pool2d(grid, 3, 1, 1)
        heights.append(torch.where(peak, grid, grid - 2).flatten(1))
        places.append((a.flatten(), b.flatten()))
    height = torch.cat(heights, 1)
    a, b = (torch.cat([place[i] for place in places]) for i in (0, 1))
    best = height.topk(min(_PEAKS, height.shape[1]), 1).indices
    best = torch.cat([best, best[:, :1].expand(-1, _PEAKS - best.shape[1])], 1)
    return a[best], b[best]


def _pitches(curve: Curve, x: Tensor, y: Tensor, a: Tensor, b: Tensor, b_range: Bounds) -> tuple[Tensor, Tensor]:
    """The same for waves: given a, any b is a sum of two that are a quarter apart, so the best b is closed form."""
    u = torch.addcmul(b[:, None], a[:, None], x)
    pair = torch.stack([curve.torch(u), curve.torch(u + math.pi / 2)], 1)
    pair = pair - pair.mean(-1, keepdim=True)
    gram = pair @ pair.mT
    # Where the data sees less than a turn the two are nearly alike.
    gram.diagonal(dim1=1, dim2=2).add_(1e-9 * gram.diagonal(dim1=1, dim2=2).sum(1, keepdim=True) + 1e-300)
    product = torch.einsum("pkn,en->epk", pair, y)
    weight = torch.linalg.solve(gram, product[..., None])[..., 0]
    r2 = (weight * product).sum(-1)
    peak = r2 >= torch.nn.functional.max_pool1d(r2[:, None], 3, 1, 1)[:, 0]
    best = torch.where(peak, r2, r2 - 2 * r2.amax(1, keepdim=True)).topk(min(_PEAKS, len(a)), 1).indices
    best = torch.cat([best, best[:, :1].expand(-1, _PEAKS - best.shape[1])], 1)
    phase = torch.atan2(weight[..., 1], weight[..., 0]).gather(1, best)
    return a[best], half_turned(b[best] + phase, b_range)


def _explained(f: Float[Tensor, "points n"], y: Float[Tensor, "edges n"]) -> Float[Tensor, "edges points"]:
    """The r2 of each row of values on each edge; 0 for what is constant or not finite."""
    n = f.shape[1]
    mean = f.mean(1, keepdim=True)
    centred = f - mean
    variance = centred.square().sum(1) / n
    covariance = y @ centred.T / n
    r2 = covariance.square() / variance
    usable = (variance > 1e-24 * mean[:, 0].square()) & variance.isfinite() & (variance > 0)
    return torch.where(usable, r2, 0.0).nan_to_num_(0.0)


class _Slope(NamedTuple):
    """The squared error at some points, and the normal equations of a step in (s, m) from there."""

    error: Tensor
    ss: Tensor
    sm: Tensor
    mm: Tensor
    s: Tensor
    m: Tensor

    def of(self, functions: Tensor) -> _Slope:
        return _Slope(*(part[functions] for part in self))


def _slope(data: _Data, functions: Sequence[Curve], a: Tensor, b: Tensor, box: _Box) -> _Slope:
    """All of (functions, edges, peaks); the error is infinite where f is not smooth or not finite."""
    s, m = a * data.half[:, None], torch.addcmul(b, a, data.middle[:, None])
    z, y = data.z[:, None], data.y[:, None]
    u = torch.addcmul(m[..., None], s[..., None], z)
    with torch.enable_grad():
        u.requires_grad_()
        f = torch.stack([curve.torch(part) for curve, part in zip(functions, u.unbind(0), strict=True)])
        # A function without a slope leaves no graph; the sum of zeros always does.
        (slope,) = torch.autograd.grad(f.sum() + 0 * u.sum(), u)
    f, inverse, c, left = _projected(f.detach(), y)
    m_slope = slope * c[..., None]
    s_slope = m_slope * z
    for each in (m_slope, s_slope):
        each.sub_(each.mean(-1, keepdim=True))
        each.addcmul_(((each * f).mean(-1) * inverse)[..., None], f, value=-1)
    found = _Slope(
        left.square().mean(-1),
        s_slope.square().mean(-1),
        (s_slope * m_slope).mean(-1),
        m_slope.square().mean(-1),
        (s_slope * left).mean(-1),
        (m_slope * left).mean(-1),
    )
    usable = box.holds(s, m) & torch.stack(found).isfinite().all(0)
    return _Slope(torch.where(usable, found.error, math.inf), *(torch.where(usable, part, 0.0) for part in found[1:]))


def _inside(functions: Sequence[Curve], s: Tensor, m: Tensor) -> Tensor:
    low, high = m - s.abs(), m + s.abs()
    return torch.stack([curve.domain(l, h) for curve, l, h in zip(functions, low, high, strict=True)])


def _projected(f: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """f without its mean, 1 over its variance, its best factor c, and what c f leaves of y."""
    mean = f.mean(-1, keepdim=True)
    f = f - mean
    variance = f.square().mean(-1)
    varies = (variance > 1e-28 * mean[..., 0].square()) & variance.isfinite()
    inverse = torch.where(varies, 1 / variance, 0.0)
    c = (f * y).mean(-1) * inverse
    return f, inverse, c, torch.where(varies[..., None], torch.addcmul(y, c[..., None], f, value=-1), y)


def _climb(
    data: _Data, functions: Sequence[Curve], a: Tensor, b: Tensor, free: Tensor, box: _Box, steps: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Levenberg-Marquardt in s and m from every point, together; functions that have arrived are left out."""
    a, b = box.nearest(a, b)
    here = _slope(data, functions, a, b, box)
    damping = torch.full_like(a, 1e-3)
    arrived = ~here.error.isfinite() | ((here.ss * free[:, :1, None] == 0) & (here.mm * free[:, 1:, None] == 0))
    half, middle = data.half[:, None], data.middle[:, None]
    for _ in range(steps):
        arrived |= (here.error <= _DONE) | (damping > 1e8)
        moving = (~arrived).flatten(1).any(1).nonzero()[:, 0]
        if not len(moving):
            break
        now, mu = here.of(moving), damping[moving]
        s_free, m_free = free[moving, :1, None], free[moving, 1:, None]
        ss, mm, sm = now.ss * (1 + mu), now.mm * (1 + mu), now.sm * s_free * m_free
        # Where a direction is not free, or f does not depend on it, its equation is 1 * step = 0.
        s_free, m_free = s_free * (ss > 0), m_free * (mm > 0)
        ss, mm = torch.where(s_free > 0, ss, 1.0), torch.where(m_free > 0, mm, 1.0)
        rs, rm, sm = now.s * s_free, now.m * m_free, sm * s_free * m_free
        below = ss * mm - sm * sm
        s_step = torch.where(below > 0, (mm * rs - sm * rm) / below, 0.0)
        m_step = torch.where(below > 0, (ss * rm - sm * rs) / below, 0.0)
        a_new = a[moving] + s_step / half
        there_box = box.of(moving)
        a_new, b_new = there_box.nearest(a_new, b[moving] + m_step - (a_new - a[moving]) * middle)
        there = _slope(data, [functions[i] for i in moving.tolist()], a_new, b_new, there_box)
        better = (there.error < now.error) & ~arrived[moving]
        # A poor fit need not be known to as many digits as a good one.
        arrived[moving] |= better & (now.error - there.error <= now.error * there.error.clamp(1e-12, 1e-3))
        a[moving], b[moving] = torch.where(better, a_new, a[moving]), torch.where(better, b_new, b[moving])
        for part, found in zip(here, there, strict=True):
            part[moving] = torch.where(better, found, part[moving])
        damping[moving] = torch.where(better, (mu / 8).clamp(min=1e-13), mu * 8)
    return a, b, here.error


def _settle_steps(data: _Data, functions: Sequence[Curve], seen: Sequence[Traits], a: Tensor, b: Tensor) -> None:
    """Put the step of a step function where it explains most: between two samples, found exactly."""
    steps = [place for place, known in enumerate(seen) if known.steps and known.scale_free and not known.shift_free]
    if not steps or data.z.shape[1] < 2:
        return
    order = data.z.argsort(1)
    x = data.x[data.of].gather(1, order)
    n = x.shape[1]
    left = torch.arange(1, n, device=x.device)
    explained = data.y.gather(1, order).cumsum(1)[:, :-1].square() / (left * (n - left))
    best = torch.where(x[:, 1:] > x[:, :-1], explained, -1.0).argmax(1, keepdim=True)
    place = (x.gather(1, best) + x.gather(1, best + 1)) / 2
    for each in steps:
        b[each] = -a[each] * place


def _values(data: _Data, functions: Sequence[Curve], a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For (functions, edges): the error, and c and d in the units of y."""
    u = torch.addcmul(b[..., None], a[..., None], data.x[data.of])
    f = torch.stack([curve.torch(part) for curve, part in zip(functions, u.unbind(0), strict=True)])
    _, _, c, left = _projected(f, data.y)
    error = left.square().mean(-1)
    c = c * data.size
    d = data.mean - torch.where(c == 0, 0.0, c * f.mean(-1))
    usable = _inside(functions, a * data.half, torch.addcmul(b, a, data.middle)) & (error + c + d).isfinite()
    return torch.where(usable, error, math.inf), c, d


def _plain(
    data: _Data,
    functions: Sequence[Curve],
    seen: Sequence[Traits],
    a: Float[Tensor, "functions edges"],
    b: Float[Tensor, "functions edges"],
    a_range: Bounds,
    b_range: Bounds,
) -> AffineFits:
    """The fits, with the plainest a and b among equally good ones."""

    def where(names: Sequence[bool]) -> Tensor:
        return torch.tensor(names, device=a.device)[:, None]

    def touching(first: bool, last: bool) -> tuple[Tensor, Tensor]:
        """Data that reaches to the very ends of the domain, where steps from inside never arrive."""
        s, m = a.abs() * data.half, torch.addcmul(b, a, data.middle)
        ends = a.new_tensor([known.sides[0] for known in seen])[..., None]
        low = ends[:, 0].expand_as(m) if first else m - s
        high = ends[:, 1].expand_as(m) if last else m + s
        known = low.isfinite() & high.isfinite()
        a_new = torch.where(known, a.sign() * (high - low) / (2 * data.half), a)
        return a_new, torch.where(known, (high + low) / 2 - a_new * data.middle, b)

    scale_free, shift_free, half_turn, even = (
        where([getattr(k, name) for k in seen]) for name in ("scale_free", "shift_free", "half_turn", "even")
    )
    scaled_a, scaled_b = scaled(a, b, a_range, b_range)
    a, b = torch.where(scale_free, scaled_a, a), torch.where(scale_free, scaled_b.clamp(*b_range), b)
    error, c, d = _values(data, functions, a, b)
    plainer: list[Callable[[], tuple[Tensor, Tensor]]] = [
        lambda: touching(True, False),
        lambda: touching(False, True),
        lambda: touching(True, True),
        lambda: (a, torch.where(shift_free, 0.0, b)),
        lambda: (torch.where(even & (a < 0), -a, a), torch.where(even & (a < 0), -b, b)),
        lambda: (a, torch.where(half_turn, half_turned(b, b_range), b)),
    ]
    for alternative in plainer:
        a_new, b_new = alternative()
        inside = (a_new >= a_range[0]) & (a_new <= a_range[1]) & (b_new >= b_range[0]) & (b_new <= b_range[1])
        error_new, c_new, d_new = _values(data, functions, a_new, b_new)
        better = inside & (error_new <= error * (1 + 1e-9) + 1e-26) & error_new.isfinite()
        a, b, c, d, error = (
            torch.where(better, new, old)
            for new, old in ((a_new, a), (b_new, b), (c_new, c), (d_new, d), (error_new, error))
        )
    none = ~error.isfinite()
    affine = torch.where(none[..., None], math.nan, torch.stack([a, b, c, d], -1))
    return AffineFits(affine.transpose(0, 1), torch.where(none, 1.0, error).T)
