"""Captum's `ArnoldiInfluenceFunction` over `ascribe.influence.InfluenceFunction`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ascribe.compat.captum.influence._core.influence_function import IntermediateQuantitiesInfluenceFunction
from ascribe.compat.captum.influence._utils.common import load_checkpoint
from ascribe.influence.curvature import KrylovRoot


class ArnoldiInfluenceFunction(IntermediateQuantitiesInfluenceFunction):
    """With the second derivative on a Krylov space: `ascribe.influence.KrylovRoot`."""

    def __init__(
        self,
        model: nn.Module,
        train_dataset: Any,
        checkpoint: Any,
        checkpoints_load_func: Callable[..., float] = load_checkpoint,
        layers: list[str] | None = None,
        loss_fn: Callable[..., Tensor] | None = None,
        batch_size: int | None = 1,
        hessian_dataset: Any = None,
        test_loss_fn: Callable[..., Tensor] | None = None,
        sample_wise_grads_per_batch: bool = False,
        projection_dim: int | None = 50,
        seed: int = 0,
        arnoldi_dim: int = 200,
        arnoldi_tol: float = 0.1,
        hessian_reg: float = 1e-3,
        hessian_inverse_tol: float = 1e-4,
        projection_on_cpu: bool = True,
        show_progress: bool = False,
    ) -> None:
        root = KrylovRoot(projection_dim, hessian_reg, hessian_inverse_tol, arnoldi_dim, arnoldi_tol, seed)
        data = (train_dataset, checkpoint, checkpoints_load_func, layers, loss_fn, batch_size, hessian_dataset)
        super().__init__(root, model, *data, test_loss_fn)
