"""Superpixels: the pixels of an image that are near one another, in place and in colour."""

from __future__ import annotations

from math import ceil, sqrt

import torch
from jaxtyping import Float, Float64, Int, Real
from torch import Tensor

from ascribe.errors import InputError


def superpixels(
    image: Real[Tensor, "channels height width"] | Real[Tensor, "rows channels height width"],
    count: int = 50,
    *,
    compactness: float = 2.0,
    rounds: int = 10,
) -> Int[Tensor, "1 height width"] | Int[Tensor, "rows 1 height width"]:
    r"""About `count` superpixels, as ids that broadcast to the image; those of several images are numbered alike.

    k-means on colour and place from a grid of centres: a pixel belongs to the nearest of the nine centres around its
    place in the grid by $|c - c'|^2/\sigma^2 + m^2 |p - p'|^2/S^2$, where $\sigma$ is the spread of the image's
    colours, S the grid's step and m the `compactness`: the more, the squarer. A superpixel may be of several parts.

    Raises InputError for images of another shape, NaN in them, and knobs out of range.

    Source: Achanta et al. (2012), "SLIC superpixels compared to state-of-the-art superpixel methods".

    >>> superpixels(torch.tensor([[[0.0, 0.0, 5.0, 5.0]]]), 2).tolist()
    [[[0, 0, 1, 1]]]
    """
    if image.ndim not in (3, 4) or image.numel() == 0:
        raise InputError(f"image has shape {tuple(image.shape)}; pass (channels, height, width), or rows of these")
    if count < 1 or not compactness > 0 or rounds < 1:
        raise InputError(f"count={count}, compactness={compactness} and rounds={rounds}; pass numbers above 0")
    colors = image.detach().cpu().double()
    if not bool(colors.isfinite().all()):
        raise InputError("image holds NaN or infinity; fill them first")
    if image.ndim == 4:
        return torch.stack([_of_one(one, count, compactness, rounds) for one in colors])
    return _of_one(colors, count, compactness, rounds)


def _of_one(
    image: Float64[Tensor, "channels height width"], count: int, compactness: float, rounds: int
) -> Int[Tensor, "1 height width"]:
    height, width = image.shape[1:]
    tall = min(height, max(1, round(sqrt(count * height / width))))
    wide = min(width, ceil(count / tall))
    row = torch.arange(height).double()[:, None].expand(height, width)
    column = torch.arange(width).double().expand(height, width)
    step = sqrt(height * width / (tall * wide))
    spread = image.flatten(1).var(1, correction=0).sum().sqrt()
    place = torch.stack([row, column]) * compactness / step
    points = torch.cat([image / torch.where(spread > 0, spread, 1), place]).flatten(1).T
    # The cell of the grid in which a pixel lies, and the nine around it; those outside the grid are none.
    down, right = (row * tall / height).long().flatten(), (column * wide / width).long().flatten()
    near = torch.stack([torch.stack([down + i, right + j]) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    outside = (near < 0).any(1) | (near >= torch.tensor([[tall], [wide]])).any(1)
    candidates = (near[:, 0] * wide + near[:, 1]).masked_fill(outside, 0)
    own = down * wide + right
    centres = _means(points, own, tall * wide)
    for _ in range(rounds):
        away = torch.stack([(points - centres[k]).square().sum(1) for k in candidates]).masked_fill(outside, torch.inf)
        before, own = own, candidates.gather(0, away.argmin(0, keepdim=True))[0]
        if torch.equal(before, own):
            break
        centres = torch.where(
            torch.bincount(own, minlength=len(centres))[:, None] > 0, _means(points, own, len(centres)), centres
        )
    # Numbered without gaps, as some centres lose all their pixels.
    return torch.unique(own, return_inverse=True)[1].view(1, height, width)


def _means(
    points: Float[Tensor, "pixels features"], own: Int[Tensor, " pixels"], count: int
) -> Float[Tensor, "count features"]:
    sums = points.new_zeros(count, points.shape[1]).index_add_(0, own, points)
    return sums / torch.bincount(own, minlength=count).clamp(min=1)[:, None]
