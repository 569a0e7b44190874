"""Means of samples and their standard errors, where something about the samples is known.

The errors divide by two degrees of freedom fewer than a variance would. That is the standard deviation of Student's t,
with which twice the error covers 95% also where samples are few.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def stratified_mean(
    samples: Float[Tensor, "rows draws players"], stratum: Int[Tensor, " draws"]
) -> tuple[Float[Tensor, "rows players"], Float[Tensor, "rows players"]]:
    r"""The mean over strata of the means within, $\frac1B\sum_b \bar s_b$, and its standard error.

    Strata are numbered from 0, equally likely and alike within: one variance is pooled from those with several samples.
    There are three samples or more than strata. What differs between strata is no error: every stratum is there.
    Source: Cochran (1977), "Sampling techniques", 5.4-5.6.
    """
    counts = stratum.bincount().to(samples.dtype)
    rows, draws, players = samples.shape
    sums = samples.new_zeros(rows, len(counts), players).index_add_(1, stratum, samples)
    means = sums / counts[:, None]
    within = (samples - means[:, stratum]).square().sum(dim=1) / (draws - len(counts) - 2)
    return means.mean(dim=1), (within * (1 / counts).sum()).sqrt() / len(counts)


def controlled_mean(
    samples: Float[Tensor, "rows draws players"],
    control: Float[Tensor, "rows draws"],
    expected: Float[Tensor, " rows"],
) -> tuple[Float[Tensor, "rows players"], Float[Tensor, "rows players"]]:
    r"""The mean corrected by a control of known expectation, $\bar s - \beta(\bar c - E c)$, and its standard error.

    $\beta$ is the least-squares slope of the samples on the control. Where the samples of a row sum to $a - c$ over
    the players, the slopes sum to $-1$, and so the corrected means sum to $a - E c$ exactly. A control that does not
    vary tells nothing; its offset is then shared equally. Five samples or more.
    Source: Owen (2013), "Monte Carlo theory, methods and examples", 8.9.
    """
    draws, players = samples.shape[1:]
    mean, offset = samples.mean(dim=1), control.mean(dim=1) - expected
    around, moved = samples - mean[:, None], control - control.mean(dim=1, keepdim=True)
    spread = moved.square().sum(dim=1)
    # Below this the control's spread is rounding alone.
    varies = spread > draws * (1e-12 * control.abs().amax(dim=1)).square()
    slope = torch.einsum("rdp,rd->rp", around, moved) / torch.where(varies, spread, 1)[:, None]
    slope = torch.where(varies[:, None], slope, -1 / players)
    left = (around - slope[:, None] * moved[..., None]).square().sum(dim=1) / (draws - 4)
    leverage = 1 / draws + torch.where(varies, offset.square() / torch.where(varies, spread, 1), 0)
    return mean - slope * offset[:, None], (left * leverage[:, None]).sqrt()
