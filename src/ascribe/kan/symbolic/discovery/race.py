"""Thousands of small symbolic networks fitted together; the better part goes on, on more rows, until one is exact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.symbolic.discovery.batch import Batch
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.descent import descended
from ascribe.kan.symbolic.discovery.inverses import inner_values
from ascribe.kan.symbolic.discovery.reading import read
from ascribe.kan.symbolic.discovery.smooth import beyond_sums
from ascribe.kan.symbolic.discovery.starts import PORTFOLIO, SUM, Portfolio, Prior, drawn

# Rows, iterations, and the share of the networks that goes on; the last of all rows.
_HEATS = ((64, 8, 0.25), (64, 12, 0.25), (128, 25, 0.3), (None, 40, 0.5), (None, 80, 1.0))
# Relative squared error that is taken for exact, and is tried on all rows at once.
_EXACT = 1e-22
# The share of the variance that a sum of functions may leave, to be tried as one.
_SUM = 1e-2
# Networks of every shape that noise may have put in another order.
_SHOWN = 4


def raced(branch: Branch, seed: int) -> Iterator[Iterator[Any]]:
    """The best formulas of h, shape by shape, one round of starts."""
    for portfolio in PORTFOLIO:
        yield _run(portfolio, branch, branch.inputs, branch.target, seed)


def raced_sums(branch: Branch, seed: int) -> Iterator[Any]:
    """Formulas g(sum of functions of one variable), where taking off g leaves a sum as far as polynomials can tell."""
    x = branch.inputs
    inner = list(inner_values(branch.target, branch.noise_of_target))
    ranked = sorted((beyond_sums(x, z.values, z.slope), i) for i, z in enumerate(inner))
    most = _SUM + 2 * branch.noise**2 / float(branch.y.var())
    for left, i in ranked[:3]:
        if left < most and not branch.late:
            inside = inner[i].slope > 0
            for formula in _run(SUM, branch, x[:, inside], inner[i].values[inside], seed):
                yield inner[i].outer(formula)


def _run(
    portfolio: Portfolio, branch: Branch, x: Float[Tensor, "variables n"], y: Float[Tensor, " n"], seed: int
) -> Iterator[Any]:
    size, spread = x.square().mean(1, keepdim=True).sqrt(), y.std()
    best = _winners(drawn(portfolio, len(x), Prior(x / size, seed)), x / size, y / spread, branch)
    for network in range(len(best)):
        one = best.take(torch.tensor([network]))
        yield from read(one, x, y, size[:, 0].tolist(), float(spread), branch.symbols)


def _winners(batch: Batch, x: Float[Tensor, "variables n"], y: Float[Tensor, " n"], branch: Branch) -> Batch:
    for rows, iterations, share in _HEATS:
        some = slice(rows)
        batch, error = descended(batch, x[:, some], y[some], iterations, _EXACT)
        order = error.argsort()
        if rows is not None and float(error[order[0]]) < 100 * _EXACT:
            early, error_there = descended(batch.take(order[:4]), x, y, 20, _EXACT)
            if float(error_there.min()) < 10 * _EXACT:
                return early.take(error_there.argmin()[None])
        batch = batch.take(order[: max(8, int(share * len(order)))])
        if branch.late:
            break
    return batch.take(torch.tensor(_different(batch)))


def _different(batch: Batch) -> list[int]:
    """The first networks of different functions."""
    first: dict[tuple[int, ...], int] = {}
    for i, families in enumerate(batch.family.tolist()):
        first.setdefault(tuple(families), i)
    return list(first.values())[:_SHOWN]
