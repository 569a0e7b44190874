"""Where a fit starts: the highest peaks of a grid over (a, b), for every edge and function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.affine.curves import Curve, Traits
from ascribe.maths.affine.samples import Samples
from ascribe.maths.affine.starts import Bounds, half_turned, starts

PEAKS = 4  # that are climbed
_SAMPLES = 96  # that the search sees, or more where a x + b turns often
_FAR = 1e-3  # of r2, that a start must gain for each unit by which a x + b leaves 0


class Peaks(NamedTuple):
    a: Tensor  # (functions, edges, peaks); NaN where there is none
    b: Tensor
    samples: Tensor  # (sources, m) that the search saw


def search(
    data: Samples, functions: Sequence[Curve], seen: Sequence[Traits], a_range: Bounds, b_range: Bounds
) -> Peaks:
    """The highest peaks of the grids, judged on some samples at even ranks."""
    sources, n = data.x.shape
    reach = float(data.half.max()) * max(abs(a_range[0]), abs(a_range[1]))
    count = min(n, max(_SAMPLES, min(4 * _SAMPLES, int(5 * reach))))
    ranks = torch.linspace(0, n - 1, count, dtype=torch.float64, device=data.x.device).round().long()
    samples = data.x.argsort(1)[:, ranks]
    few = data.some(samples)
    a = data.x.new_full((len(functions), len(data.of), PEAKS), math.nan)
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
    return Peaks(a, b, samples)


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
    best = height.topk(min(PEAKS, height.shape[1]), 1).indices
    best = torch.cat([best, best[:, :1].expand(-1, PEAKS - best.shape[1])], 1)
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
    best = torch.where(peak, r2, r2 - 2 * r2.amax(1, keepdim=True)).topk(min(PEAKS, len(a)), 1).indices
    best = torch.cat([best, best[:, :1].expand(-1, PEAKS - best.shape[1])], 1)
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
