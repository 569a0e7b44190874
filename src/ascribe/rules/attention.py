"""Attention, written with products and softmax."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ascribe.errors import MethodError
from ascribe.rules.rule import Rule, Written


def _scores(query: Tensor, key: Tensor, mask: Tensor | None, is_causal: bool, scale: float | None) -> Tensor:
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, float("-inf"))
    if mask is None:
        return scores
    return scores.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores + mask


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    if enable_gqa:
        groups = query.shape[-3] // key.shape[-3]
        key, value = (heads.repeat_interleave(groups, dim=-3) for heads in (key, value))
    weights = F.dropout(_scores(query, key, attn_mask, is_causal, scale).softmax(-1), dropout_p, dropout_p > 0)
    return weights @ value


def _multi_head_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    if bias_k is not None or bias_v is not None or add_zero_attn or static_k is not None or static_v is not None:
        raise MethodError(
            "there is a rule for multi_head_attention_forward without bias_k, bias_v, add_zero_attn, static_k and "
            "static_v; write the attention with F.scaled_dot_product_attention."
        )
    batched = query.ndim == 3
    if not batched:
        query, key, value = (tokens.unsqueeze(1) for tokens in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    weights = (q_proj_weight, k_proj_weight, v_proj_weight)
    if not use_separate_proj_weight and in_proj_weight is not None:
        weights = in_proj_weight.chunk(3)
    biases: Any = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)

    def heads(tokens: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        assert weight is not None
        return F.linear(tokens, weight, bias).reshape(*tokens.shape[:2], num_heads, -1).permute(1, 2, 0, 3)

    q, k, v = (heads(*parts) for parts in zip((query, key, value), weights, biases, strict=True))
    scores = _scores(q, k, None, False, None)
    if attn_mask is not None:
        scores = _masked(scores, attn_mask.expand(scores.shape[0] * num_heads, *attn_mask.shape[-2:]).view_as(scores))
    if key_padding_mask is not None:
        scores = _masked(scores, key_padding_mask[:, None, None, :])
    shares = F.dropout(scores.softmax(-1), dropout_p, training)
    mixed = (shares @ v).permute(2, 0, 1, 3).flatten(-2)
    output = F.linear(mixed, out_proj_weight, out_proj_bias)
    shares = (shares.mean(1) if average_attn_weights else shares) if need_weights else None
    if batched:
        return output, shares
    return output.squeeze(1), None if shares is None else shares.squeeze(0)


def _masked(scores: Tensor, mask: Tensor) -> Tensor:
    """Here a True in the mask closes; in `scaled_dot_product_attention` it opens."""
    return scores.masked_fill(mask, float("-inf")) if mask.dtype == torch.bool else scores + mask


RULES: dict[str, Rule] = {
    "scaled_dot_product_attention": Written(_attention),
    "multi_head_attention_forward": Written(_multi_head_attention),
}
