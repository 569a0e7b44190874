"""The rule of every function that relevance can pass through, by the one name that its forms share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ascribe.rules import attention, elementwise, linear, normalization, product, recurrent, selection, softmax
from ascribe.rules.calls import operation
from ascribe.rules.linear import OnlyFirst
from ascribe.rules.parts import centred, gated
from ascribe.rules.relevance import edges
from ascribe.rules.relevance.layers import BatchNorm, Product, stored_batch_norm
from ascribe.rules.relevance.passing import (
    Add,
    Alike,
    Evenly,
    Factors,
    Quotient,
    Signal,
    Sums,
    Times,
    Unless,
)
from ascribe.rules.relevance.softmax import LogSumExp, Softmax
from ascribe.rules.rule import LINEAR, Rule, Written


def _subtract(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    return torch.add(input, other * -alpha)


def _subtract_from(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    return torch.add(input * -alpha, other)


def _addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    return input + value * (tensor1 * tensor2)


def _lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    return input * (1 - weight) + end * weight


def _add_product(input: Tensor, first: Tensor, second: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    return beta * input + alpha * (first @ second)


def _add_outer(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    return beta * input + alpha * torch.outer(vec1, vec2)


def _addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    return beta * input + alpha * (batch1 @ batch2).sum(0)


_ACCUMULATING = "index_add scatter_add fold col2im"
_SORTED = "sort msort topk cummax cummin kthvalue median aminmax"
_DENSE = """
    matmul rmatmul mm bmm mv dot vdot inner outer ger kron einsum tensordot bilinear cross linalg_cross linalg_vecdot
"""
_MOVED = {*linear.SHAPES.split(), *linear.PLACES.split()} - {*_ACCUMULATING.split(), "index_put"}
_FILTERS = [name for name in linear.FILTERS.split() if not name.startswith("fft")]
_CONVOLUTIONS = [(f"conv{kind}{n}d", n) for kind in ("", "_transpose") for n in (1, 2, 3)]
_NUMBERS = [*elementwise.SMOOTH.split(), *elementwise.SINGULAR.split(), *elementwise.KINKED.split()]

RULES: dict[str, Rule] = {
    **dict.fromkeys([*_MOVED, *_SORTED.split(), *selection.RULES], LINEAR),
    **{name: linear.RULES[name] for name in (*linear.DROPOUTS.split(), "feature_dropout", "scatter")},
    "index_put": Unless("accumulate", 3, Sums()),
    **dict.fromkeys([*_NUMBERS, "square", "neg", "negative", "positive", "clamp", "clip", "rsqrt"], Alike()),
    "rrelu": elementwise.RULES["rrelu"],
    **dict.fromkeys(["add", "radd"], Add()),
    **dict.fromkeys(["sub", "subtract"], Written(_subtract)),
    "rsub": Written(_subtract_from),
    **dict.fromkeys(["sum", "mean", "cumsum", "trace", *_ACCUMULATING.split(), *_FILTERS], Sums()),
    operation(centred).name: Sums(),
    **dict.fromkeys(["grid_sample", "grid_sampler"], OnlyFirst(Sums())),
    **dict.fromkeys(["mul", "multiply", "rmul"], Times(Evenly())),
    **dict.fromkeys(["div", "divide", "true_divide"], Quotient()),
    operation(gated).name: Signal(),
    "prod": Factors(),
    **dict.fromkeys(_DENSE.split(), Product("dense")),
    "linear": Product("dense", biased=True),
    **{name: Product("convolution", True, spatial) for name, spatial in _CONVOLUTIONS},
    "convolution": Product("convolution", biased=True),
    "batch_norm": BatchNorm(),
    "native_batch_norm_legit_no_training": Written(stored_batch_norm),
    "addcmul": Written(_addcmul),
    "lerp": Written(_lerp),
    **dict.fromkeys(["addmm", "addmv", "baddbmm"], Written(_add_product)),
    "addr": Written(_add_outer),
    "addbmm": Written(_addbmm),
    **{name: product.RULES[name] for name in ("addcdiv", "chain_matmul", "linalg_multi_dot")},
    "softmax": Softmax(),
    "logsumexp": LogSumExp(),
    **{name: softmax.RULES[name] for name in ("log_softmax", "softmin", "logaddexp", "glu")},
    **normalization.RULES,
    **attention.RULES,
    **recurrent.RULES,
    **edges.RULES,
}
