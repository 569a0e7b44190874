"""Normalisations whose statistics depend on the input, norms and spreads: written with sums, squares and roots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ascribe.rules.parts import centred, gated
from ascribe.rules.rule import Rule, Written

Dims = int | list[int] | tuple[int, ...] | None


def _standardize(input: Tensor, dims: list[int], eps: float) -> Tensor:
    values = centred(input, dims)
    return gated(values, torch.rsqrt(values.square().mean(dims, keepdim=True) + eps))


def _scale_and_shift(input: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    scaled = input if weight is None else input * weight
    return scaled if bias is None else scaled + bias


def _layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    return _scale_and_shift(_standardize(input, list(range(-len(normalized_shape), 0)), eps), weight, bias)


def _rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    power = input.square().mean(list(range(-len(normalized_shape), 0)), keepdim=True)
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    return _scale_and_shift(gated(input, torch.rsqrt(power + eps)), weight, None)


def _group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    grouped = input.reshape(input.shape[0], num_groups, -1)
    normal = _standardize(grouped, [-1], eps).reshape(input.shape)
    return _scale_and_shift(normal, *_per_channel(input, weight, bias))


def _instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if not use_input_stats and running_mean is not None and running_var is not None:
        mean, spread = _per_channel(input, running_mean, torch.rsqrt(running_var + eps))
        normal = (input - mean) * spread
    else:
        normal = _standardize(input, list(range(2, input.ndim)), eps)
    return _scale_and_shift(normal, *_per_channel(input, weight, bias))


def _per_channel(input: Tensor, *vectors: Tensor | None) -> tuple[Any, ...]:
    shape = (-1, *(1,) * (input.ndim - 2))
    return tuple(None if vector is None else vector.reshape(shape) for vector in vectors)


def _norm(
    input: Tensor,
    p: Any = 2,
    dim: Dims = None,
    keepdim: bool = False,
    dtype: Any = None,
    **_: Any,
) -> Tensor:
    values = input if dtype is None else input.to(dtype)
    if dim is None:
        values, dim = values.flatten(), 0
    if p in (2, None, "fro"):
        return values.square().sum(dim, keepdim=keepdim).sqrt()
    if p == 1:
        return values.abs().sum(dim, keepdim=keepdim)
    if p == float("inf"):
        return values.abs().amax(dim, keepdim=keepdim)
    return values.abs().pow(p).sum(dim, keepdim=keepdim).pow(1 / p)


def _vector_norm(x: Tensor, ord: Any = 2, dim: Dims = None, keepdim: bool = False, **options: Any) -> Tensor:
    return _norm(x, ord, dim, keepdim, **options)


def _normalize(input: Tensor, p: Any = 2, dim: int = 1, eps: float = 1e-12, out: None = None) -> Tensor:
    return input / _norm(input, p, dim, True).clamp_min(eps)


def _cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    lengths = _norm(x1, 2, dim).clamp_min(eps) * _norm(x2, 2, dim).clamp_min(eps)
    return (x1 * x2).sum(dim) / lengths


def _cdist(x1: Tensor, x2: Tensor, p: Any = 2, compute_mode: Any = None) -> Tensor:
    return _norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


def _var(
    input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: int | None = 1
) -> Tensor:
    if isinstance(dim, bool):  # var(x, unbiased), over all entries
        dim, unbiased = None, dim
    dims = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    count = math.prod(input.shape[d] for d in dims)
    return centred(input, dims).square().sum(dims, keepdim=keepdim) / (
        count - ((1 if correction is None else correction) if unbiased else 0)
    )


def _std(*args: Any, **options: Any) -> Tensor:
    return _var(*args, **options).sqrt()


RULES: dict[str, Rule] = {
    "layer_norm": Written(_layer_norm),
    "rms_norm": Written(_rms_norm),
    "group_norm": Written(_group_norm),
    "instance_norm": Written(_instance_norm),
    "norm": Written(_norm),
    "linalg_vector_norm": Written(_vector_norm),
    "normalize": Written(_normalize),
    "cosine_similarity": Written(_cosine_similarity),
    "cdist": Written(_cdist),
    "var": Written(_var),
    "std": Written(_std),
}
