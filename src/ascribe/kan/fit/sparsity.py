"""The usual regulariser of one layer and its gradient, from the spreads of its edges."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.regularization import entropy_and_slope
from ascribe.maths.kernels.cpu import strided
from ascribe.maths.kernels.native import native

# Edges up to which torch takes longer to find its operations than the kernel to do them, one edge after the other.
_SMALL = 4096


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
    if module is None or root.numel() > _SMALL:
        return _plain(root, deviation, l1, entropy, lamb, smoothing)
    inputs, outputs = root.shape
    pull, stiffness, slope = torch.empty_like(root), torch.empty_like(root), torch.empty_like(deviation)
    value = module.sparsity(
        root.dtype is torch.float64,
        strided(root),
        deviation.data_ptr(),
        inputs,
        outputs,
        (l1, entropy, lamb, smoothing),
        strided(pull),
        strided(stiffness),
        slope.data_ptr(),
    )
    return Sparsity(value, pull, stiffness, slope)


def _plain(root: Tensor, deviation: Tensor, l1: float, entropy: float, lamb: float, smoothing: float) -> Sparsity:
    scale = (1 / (deviation + 0.1)).to(root.dtype)[:, None]
    v = (root - smoothing) * scale
    rows, slope = entropy_and_slope(v, 1)
    columns, columns_slope = entropy_and_slope(v, 0)
    slope.add_(columns_slope).mul_(entropy).add_(l1).mul_(scale * lamb)
    pull = slope / root
    value = l1 * v.sum() + entropy * (rows + columns)
    return Sparsity(float(value), pull, pull.clamp(min=0), -torch.linalg.vecdot(slope, v).to(deviation.dtype))
