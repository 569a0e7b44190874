"""Maps laid over a finer or coarser grid."""

from __future__ import annotations

from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Mode = Literal["nearest", "linear", "bilinear", "bicubic", "trilinear", "area"]

_BY_DIMENSION = {1: "linear", 2: "bilinear", 3: "trilinear"}


def upsampled(
    values: Float[Tensor, "rows channels *space"], shape: tuple[int, ...], mode: Mode = "nearest"
) -> Float[Tensor, "rows channels *fine"]:
    """Values on a grid of one to three dimensions, read off on a grid of this shape over the same area.

    "linear" is bilinear in two dimensions and trilinear in three; the other modes are those of
    `torch.nn.functional.interpolate`. Values without a grid go to every place.

    Raises ValueError where the dimensions or the mode do not fit.

    >>> import torch
    >>> upsampled(torch.tensor([[[1.0, 3.0]]]), (4,))
    tensor([[[1., 1., 3., 3.]]])
    """
    grid = values.shape[2:]
    if not grid:
        return values.reshape(*values.shape, *[1] * len(shape)).expand(*values.shape, *shape)
    if len(grid) != len(shape) or len(grid) > 3:
        raise ValueError(
            f"values on a grid {tuple(grid)} cannot be laid over {tuple(shape)}; the dimensions must agree"
        )
    if mode not in get_args(Mode):
        raise ValueError(f"mode={mode!r} is not known; pass one of {', '.join(get_args(Mode))}")
    wanted = _BY_DIMENSION[len(grid)] if mode == "linear" else mode
    if wanted in ("bilinear", "bicubic", "trilinear") and len(grid) != (3 if wanted == "trilinear" else 2):
        raise ValueError(f"mode={mode!r} does not fit a grid {tuple(grid)}; pass 'linear', 'nearest' or 'area'")
    return F.interpolate(values, tuple(shape), mode=wanted)
