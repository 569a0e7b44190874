"""The usual regulariser of one layer and its gradient, from the spreads of its edges."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels.native import native


class Sparsity(NamedTuple):
    """The value; of its gradient times lamb the part in spreads over the roots, where positive, and in deviations."""

    value: float
    pull: Float[Tensor, "inputs outputs"]
    stiffness: Float[Tensor, "inputs outputs"]
    slope: Float[Tensor, " inputs"]


def sparsity(
    root: Float[Tensor, "inputs outputs"],
    deviation: Float[Tensor, " inputs"],
    l1: float,
    entropy: float,
    lamb: float,
    smoothing: float,
) -> Sparsity:
    r"""`regularization.sparsity` of $v_{ij} = (root_{ij} - smoothing) / (deviation_i + 0.1)$; deviations in float64."""
    module = native() if root.device.type == "cpu" else None
    if module is None:
        return _plain(root, deviation, l1, entropy, lamb, smoothing)
    inputs, outputs = root.shape
    pull, stiffness, slope = torch.empty_like(root), torch.empty_like(root), torch.empty_like(deviation)
    value = module.sparsity(
        root.dtype is torch.float64,
        _strided(root),
        deviation.data_ptr(),
        inputs,
        outputs,
        (l1, entropy, lamb, smoothing),
        _strided(pull),
        _strided(stiffness),
        slope.data_ptr(),
    )
    return Sparsity(value, pull, stiffness, slope)


def _strided(t: Tensor) -> tuple[int, int, int]:
    row, column = t.stride()
    return t.data_ptr(), row, column


def _plain(root: Tensor, deviation: Tensor, l1: float, entropy: float, lamb: float, smoothing: float) -> Sparsity:
    scale = 1 / (deviation + 0.1)[:, None]
    v = (root.double() - smoothing) * scale
    rows, rows_slope = _entropy(v, 1)
    columns, columns_slope = _entropy(v, 0)
    slope = ((rows_slope + columns_slope) * entropy + l1) * scale * lamb
    pull = (slope / root).to(root.dtype)
    value = l1 * v.sum() + entropy * (rows + columns)
    return Sparsity(float(value), pull, pull.clamp(min=0), -(slope * v).sum(1))


def _entropy(v: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    scale = 1 / (v.sum(dim, keepdim=True) + 1)
    p = v * scale
    logarithm = (p + 1e-4).log2()
    slope = logarithm + p / ((p + 1e-4) * math.log(2))
    share = -1 / v.shape[1 - dim]
    return share * (p * logarithm).sum(), share * scale * (slope - (slope * p).sum(dim, keepdim=True))
