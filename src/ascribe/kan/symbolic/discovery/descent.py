"""Levenberg-Marquardt on all networks of a batch together, each with its own damping."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.symbolic.discovery.batch import Batch


def descended(
    batch: Batch, x: Float[Tensor, "variables n"], y: Float[Tensor, " n"], iterations: int, enough: float = 0.0
) -> tuple[Batch, Float[Tensor, " networks"]]:
    """The networks after so many iterations, and their mean squared errors; sooner when one has `enough`."""
    moves = batch.moves
    slots = moves.any(0).nonzero()[:, 0]
    still = ~moves[:, slots]
    vector = batch.vector
    damping = vector.new_full((len(batch),), 1e-2)
    growth = vector.new_full((len(batch),), 2.0)

    def look(at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        output, slopes = batch.at(at)(x)
        rest = output - y
        slopes = slopes[:, slots].masked_fill(still[..., None], 0.0)
        return rest.square().mean(1), slopes @ slopes.mT / len(y), (slopes @ rest[..., None])[..., 0] / len(y)

    error, curvature, gradient = look(vector)
    error = error.nan_to_num(torch.inf)
    for _ in range(iterations):
        step = _step(curvature, gradient, damping, still)
        trial = vector.index_add(1, slots, step)
        error_there, curvature_there, gradient_there = look(trial)
        lower = (error_there < error) & curvature_there.isfinite().flatten(1).all(1)
        vector = torch.where(lower[:, None], trial, vector)
        error = torch.where(lower, error_there, error)
        curvature = torch.where(lower[:, None, None], curvature_there, curvature)
        gradient = torch.where(lower[:, None], gradient_there, gradient)
        damping = torch.where(lower, damping / 4, damping * growth).clamp(1e-15, 1e12)
        growth = torch.where(lower, 2.0, (1.5 * growth).clamp(max=8.0))
        if float(error.min()) < enough:
            break
    return batch.at(vector), error


def _step(curvature: Tensor, gradient: Tensor, damping: Tensor, still: Tensor) -> Tensor:
    """Damped in the scale of each number; 0 where the system is not one."""
    diagonal = curvature.diagonal(dim1=1, dim2=2)
    diagonal = diagonal + still + 1e-12 * diagonal.amax(1, keepdim=True) + 1e-300
    system = curvature + torch.diag_embed(damping[:, None] * diagonal + still)
    sound = system.isfinite().flatten(1).all(1)
    system = torch.where(sound[:, None, None], system, torch.eye(system.shape[1], dtype=system.dtype))
    scale = torch.where(sound[:, None], diagonal, 1.0).rsqrt()
    factor, failed = torch.linalg.cholesky_ex(scale[:, :, None] * system * scale[:, None, :])
    step = -scale * torch.cholesky_solve((scale * gradient.nan_to_num(0.0, 0.0, 0.0))[..., None], factor)[..., 0]
    taken = (sound & (failed == 0))[:, None] & step.isfinite() & ~still
    return torch.where(taken, step, 0.0)
